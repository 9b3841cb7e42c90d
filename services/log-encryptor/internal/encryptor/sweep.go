// Package sweep looks at every log group that the stack is responsible for, mends
// what the rule on new groups missed, and counts what is still unencrypted.
//
// It is what makes the rule's losses harmless: without a trail, during a throttle
// or a bad deployment, a group waits for the next sweep and no longer.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"gatehouse.example/lambdakit/metrics"
	"gatehouse.example/services/log-encryptor/internal/loggroup"
	"gatehouse.example/services/log-encryptor/internal/prefix"
)

// spare is the time before the function's end in which no further group is begun.
const spare = 10 * time.Second

// maxNamed bounds the failures that one error tells of; the log has all of them.
const maxNamed = 5

// Key says whether the key can encrypt; its error says why not.
type Key interface {
	Usable(context.Context) error
}

// Sweeper has what one sweep needs.
type Sweeper struct {
	Groups      *loggroup.Directory
	Keeper      *loggroup.Keeper
	Prefixes    prefix.Set
	Retention   int32
	Key         Key
	Environment string
	Out         io.Writer
	Log         *slog.Logger
	Now         func() time.Time
}

// tally is what a sweep saw and did.
type tally struct {
	seen, encrypted, retained, other, unencrypted, unfinished int
	failures                                                  []error
}

// Sweep looks once at every group. A group that fails does not keep the others
// back. What it counts is written even when it fails, except when the list itself
// could not be read: a half-read list would say that all is well.
func (s *Sweeper) Sweep(ctx context.Context) error {
	groups, err := s.list(ctx)
	if err != nil {
		return err
	}
	keyErr := s.Key.Usable(ctx)
	var t tally
	for _, g := range groups {
		s.one(ctx, g, keyErr == nil, &t)
	}
	s.Log.InfoContext(ctx, "swept", "groups", t.seen, "encrypted", t.encrypted, "retained", t.retained,
		"otherKey", t.other, "unencrypted", t.unencrypted, "unfinished", t.unfinished)
	if err := s.count(t); err != nil {
		return errors.Join(keyErr, err)
	}
	if keyErr != nil {
		return fmt.Errorf("sweep: the log key: %w", keyErr)
	}
	if n := len(t.failures); n > 0 {
		return fmt.Errorf("sweep: %d log groups failed: %w", n, errors.Join(t.failures[:min(n, maxNamed)]...))
	}
	return nil
}

func (s *Sweeper) list(ctx context.Context) ([]loggroup.Group, error) {
	var out []loggroup.Group
	for _, root := range s.Prefixes.Roots() {
		err := s.Groups.List(ctx, root, func(g loggroup.Group) bool {
			if s.Prefixes.Covers(g.Name) {
				out = append(out, g)
			}
			return true
		})
		if err != nil {
			return nil, fmt.Errorf("sweep: groups with prefix %s: %w", root, err)
		}
	}
	return out, nil
}

// one looks at a group, and without a usable key or time left only counts it.
func (s *Sweeper) one(ctx context.Context, g loggroup.Group, usable bool, t *tally) {
	t.seen++
	var r loggroup.Result
	var err error
	switch deadline, limited := ctx.Deadline(); {
	case limited && s.Now().Add(spare).After(deadline):
		t.unfinished++
	case usable || g.KeyARN != "":
		r, err = s.Keeper.Keep(ctx, g, s.Retention)
	}
	if err != nil {
		s.Log.ErrorContext(ctx, "log group not kept", "logGroup", g.Name, "error", err.Error())
		t.failures = append(t.failures, fmt.Errorf("%s: %w", g.Name, err))
	}
	if r.Encrypted {
		s.Log.InfoContext(ctx, "encrypted", "logGroup", g.Name)
		t.encrypted++
	}
	if r.Retained {
		t.retained++
	}
	if r.Other {
		t.other++
	}
	if !r.Protected(g) {
		t.unencrypted++
	}
}

func (s *Sweeper) count(t tally) error {
	batch := metrics.New(s.Environment)
	for name, n := range map[string]int{
		"LogGroupsSeen": t.seen, "LogGroupsEncrypted": t.encrypted, "LogGroupsOtherKey": t.other, "LogGroupsUnencrypted": t.unencrypted,
	} {
		batch.Add(name, metrics.Count, float64(n))
	}
	if err := batch.Flush(s.Out, s.Now()); err != nil {
		return fmt.Errorf("metrics.Flush: %w", err)
	}
	return nil
}
