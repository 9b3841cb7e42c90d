package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
)

// story plays acts and collects what came out of them.
type story struct {
	out     *printer
	inbox   *inbox
	metrics *meter
	audit   *audit
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
	row     row
}

func (s *story) play(ctx context.Context, acts []act) error {
	for i, a := range acts {
		s.out.title(i+1, len(acts), a.title)
		if err := s.perform(ctx, a); err != nil {
			return fmt.Errorf("act %d, %s: %w", i+1, a.name, err)
		}
	}
	s.out.heading("The audit trail has a row of each")
	for i := range s.results {
		r := &s.results[i]
		var err error
		if r.row, err = s.audit.find(ctx, s.limit, r.event); err != nil {
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
	said, err := a.does(ctx, s.cast)
	if err != nil {
		return err
	}
	for _, line := range said {
		s.out.said(line)
	}
	first := len(s.results)
	for _, e := range a.causes {
		ev, err := s.inbox.take(ctx, s.limit, "event "+e.event, func(ev event.Event) bool {
			return ev.Type() == e.event && e.of(s.cast, ev)
		})
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
		if r.is, err = s.metrics.grown(ctx, s.limit, r.metric, r.was); err != nil {
			return err
		}
		s.out.metric(r.metric, r.was, r.is)
	}
	return nil
}
