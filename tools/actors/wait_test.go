package actors

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitEnds(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		wait Wait
		look func(n int) (string, bool, error) // the n-th look, from 1
		err  error
		took time.Duration
	}{
		"done_at_once":   {Wait{Every: time.Second}, func(int) (string, bool, error) { return "", true, nil }, nil, 0},
		"done_later":     {Wait{Every: time.Second}, func(n int) (string, bool, error) { return "", n == 4, nil }, nil, 3 * time.Second},
		"first_error":    {Wait{Every: time.Second}, func(int) (string, bool, error) { return "", false, broken }, broken, 0},
		"nothing_moves":  {Wait{Every: time.Second, Quiet: 5 * time.Second}, func(int) (string, bool, error) { return "0 of 1", false, nil }, ErrTimeout, 5 * time.Second},
		"progress_helps": {Wait{Every: time.Second, Quiet: 5 * time.Second}, func(n int) (string, bool, error) { return fmt.Sprint(n / 4), n == 21, nil }, nil, 20 * time.Second},
		"limit":          {Wait{Every: time.Second, Quiet: 5 * time.Second, Limit: 9 * time.Second}, func(n int) (string, bool, error) { return fmt.Sprint(n), false, nil }, ErrTimeout, 9 * time.Second},
		"context":        {Wait{Every: time.Second}, func(int) (string, bool, error) { return "", false, nil }, context.DeadlineExceeded, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				n, began := 0, time.Now()
				err := tc.wait.Until(ctx, func(context.Context) (string, bool, error) { n++; return tc.look(n) })
				if !errors.Is(err, tc.err) || time.Since(began) != tc.took {
					t.Errorf("got %v after %s, want %v after %s", err, time.Since(began), tc.err, tc.took)
				}
				var ended *Unfinished
				if errors.As(err, &ended) && ended.After != tc.took {
					t.Errorf("the error says %s", ended.After)
				}
			})
		})
	}
}
