package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/tools/actors"
)

// story plays acts and collects what they caused.
type story struct {
	out     *printer
	inbox   *actors.Inbox
	metrics *actors.Meter
	trail   *actors.Trail
	cast    *cast
	// limit is how long each event, metric and row may take.
	limit   time.Duration
	results []result
}

// result is one line of the summary.
type result struct {
	act     string
	event   event.Event
	metric  string
	was, is float64
	row     actors.Row
}

func (s *story) play(ctx context.Context, acts []act) error {
	for i, a := range acts {
		s.out.title(i+1, len(acts), a.title)
		if err := s.perform(ctx, a); err != nil {
			return fmt.Errorf("act %d, %s: %w", i+1, a.name, err)
		}
	}
	s.out.heading("The audit trail has a row for each event")
	for i := range s.results {
		r := &s.results[i]
		var err error
		if r.row, err = s.row(ctx, r.event); err != nil {
			return fmt.Errorf("act %s: %w", r.act, err)
		}
		s.out.row(r.row)
	}
	s.out.summary(s.results)
	return nil
}

// perform does an act and waits for all that it causes.
func (s *story) perform(ctx context.Context, a act) error {
	was := map[string]float64{}
	for _, e := range a.causes {
		var err error
		if was[e.metric], err = s.metrics.Sum(ctx, e.metric); err != nil {
			return err
		}
	}
	lines, err := a.does(ctx, s.cast)
	if err != nil {
		return err
	}
	for _, line := range lines {
		s.out.detail(line)
	}
	first := len(s.results)
	for _, e := range a.causes {
		ev, err := s.event(ctx, e)
		if err != nil {
			return err
		}
		if err := s.out.event(ev); err != nil {
			return err
		}
		s.results = append(s.results, result{act: a.name, event: ev, metric: e.metric, was: was[e.metric]})
	}
	for i := first; i < len(s.results); i++ {
		r := &s.results[i]
		if r.is, err = s.metric(ctx, r.metric, r.was); err != nil {
			return err
		}
		s.out.metric(r.metric, r.was, r.is)
	}
	return nil
}

// event waits for an event that no line of the summary has yet.
func (s *story) event(ctx context.Context, e effect) (event.Event, error) {
	var found event.Event
	err := s.wait(ctx, "event "+e.event, func(context.Context) (bool, error) {
		arrivals, err := s.inbox.Find(func(ev event.Event) bool {
			shown := slices.ContainsFunc(s.results, func(r result) bool { return r.event.ID() == ev.ID() })
			return ev.Type() == e.event && e.of(s.cast, ev) && !shown
		})
		if len(arrivals) > 0 {
			found = arrivals[0].Event
			return true, nil
		}
		return false, err
	})
	return found, err
}

// metric waits until a metric is above what it was.
func (s *story) metric(ctx context.Context, name string, was float64) (is float64, err error) {
	err = s.wait(ctx, "metric "+name, func(ctx context.Context) (_ bool, err error) {
		is, err = s.metrics.Sum(ctx, name)
		return is > was, err
	})
	return is, err
}

// row waits for the row of an event.
func (s *story) row(ctx context.Context, ev event.Event) (row actors.Row, err error) {
	err = s.wait(ctx, "the audit row of "+ev.Type(), func(ctx context.Context) (bool, error) {
		rows, err := s.trail.Find(ctx, ev)
		if len(rows) > 0 {
			row = rows[0]
		}
		return len(rows) > 0, err
	})
	return row, err
}

func (s *story) wait(ctx context.Context, what string, look func(context.Context) (bool, error)) error {
	err := actors.Wait{Every: every, Limit: s.limit}.Until(ctx, func(ctx context.Context) (string, bool, error) {
		done, err := look(ctx)
		return "", done, err
	})
	var ended *actors.Unfinished
	switch {
	case errors.Is(err, actors.ErrTimeout):
		return fmt.Errorf("%s did not come within %s", what, s.limit)
	case errors.As(err, &ended):
		return fmt.Errorf("waiting for %s: %w", what, ended.Cause)
	}
	return err
}
