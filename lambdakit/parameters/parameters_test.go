package parameters_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/parameters"
)

// store answers in the reverse order of the names: AWS promises no order.
type store struct {
	values map[string]string
	err    error
	calls  int
}

func (s *store) GetParameters(_ context.Context, in *ssm.GetParametersInput, _ ...func(*ssm.Options)) (*ssm.GetParametersOutput, error) {
	s.calls++
	if s.err != nil {
		return nil, s.err
	}
	out := &ssm.GetParametersOutput{}
	for i := len(in.Names) - 1; i >= 0; i-- {
		if value, ok := s.values[in.Names[i]]; ok {
			out.Parameters = append(out.Parameters, types.Parameter{Name: &in.Names[i], Value: &value})
		} else {
			out.InvalidParameters = append(out.InvalidParameters, in.Names[i])
		}
	}
	return out, nil
}

func TestValues(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		store store
		want  []string
		err   string
	}{
		"all":     {store{values: map[string]string{"/a": "1", "/b": "2", "/c": "3"}}, []string{"1", "2"}, ""},
		"missing": {store{values: map[string]string{"/a": "1"}}, nil, "not found: /b"},
		"empty":   {store{values: map[string]string{"/a": "", "/b": "2"}}, nil, "/a is empty"},
		"fault":   {store{err: errors.New("SECRET")}, nil, "ssm.GetParameters: *errors.errorString"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &parameters.Cache{Client: &tc.store, Names: []string{"/a", "/b"}, Now: time.Now}
			got, err := c.Values(t.Context())
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Values (-want +got):\n%s", diff)
			}
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
		})
	}
}

func TestValuesAreReadAgainAfterTheTTL(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	s := &store{err: errors.New("down")}
	c := &parameters.Cache{Client: s, Names: []string{"/a"}, Now: func() time.Time { return now }}
	if _, err := c.Values(t.Context()); err == nil {
		t.Error("no error")
	}
	s.err, s.values = nil, map[string]string{"/a": "one"}
	for _, step := range []struct {
		after time.Duration
		want  string
		calls int
	}{{0, "one", 2}, {parameters.TTL - time.Second, "one", 2}, {time.Second, "two", 3}, {time.Second, "two", 3}} {
		now = now.Add(step.after)
		if got, err := c.Values(t.Context()); err != nil || got[0] != step.want || s.calls != step.calls {
			t.Errorf("after %v: %v, %v, %d calls; want %q, %d", step.after, got, err, s.calls, step.want, step.calls)
		}
		s.values = map[string]string{"/a": "two"}
	}
}

// TestConcurrentReadsAskOnce: a Cache is safe for concurrent use.
func TestConcurrentReadsAskOnce(t *testing.T) {
	t.Parallel()
	s := &store{values: map[string]string{"/a": "1"}}
	c := &parameters.Cache{Client: s, Names: []string{"/a"}, Now: time.Now}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if got, err := c.Values(t.Context()); err != nil || got[0] != "1" {
				t.Errorf("Values = %v, %v", got, err)
			}
		})
	}
	group.Wait()
	if s.calls != 1 {
		t.Errorf("%d calls, want 1", s.calls)
	}
}
