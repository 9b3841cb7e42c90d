package e2e

import (
	"context"
	"testing"
	"time"

	"gatehouse.example/tools/actors"
)

// A wait follows progress: it fails when nothing has changed for quiet, or after
// limit. Both are generous, because only a failing test waits for them. A message whose
// first handling failed is invisible for the two minutes of its queue, and then handled.
const (
	quiet = 4 * time.Minute
	limit = 10 * time.Minute
)

// must turns a call's result and error into a result or a failed test:
// must(call())(t).
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// check fails the test if there is an error.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually looks until done, or fails when the wait for it does not end.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	progress(t, func() (string, bool) { return what, done() })
}

// progress looks until done, or fails when what it sees no longer changes.
func progress(t *testing.T, look func() (seen string, done bool)) {
	t.Helper()
	wait := actors.Wait{Every: 200 * time.Millisecond, Quiet: quiet, Limit: limit}
	check(t, wait.Until(t.Context(), func(context.Context) (string, bool, error) {
		seen, done := look()
		return seen, done, nil
	}))
}
