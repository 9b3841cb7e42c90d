package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/publish"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	names := namesOf(kinds())
	if slices.Sort(names); len(slices.Compact(names)) != len(kinds()) || len(names) < 20 {
		t.Errorf("%d kinds, want 20 different ones at least: %v", len(kinds()), names)
	}
}

// A seed is a plan: each kind once before one comes again, in an order and with times of
// its own.
func TestPlan(t *testing.T) {
	t.Parallel()
	rounds := func(seed uint64) (out []string) {
		p := newPlan(seed, kinds())
		for range 2 * len(kinds()) {
			k, seed := p.next()
			out = append(out, fmt.Sprint(k.draw(rand.New(rand.NewPCG(seed, 0))), seed))
		}
		return out
	}
	if diff := cmp.Diff(rounds(7), rounds(7)); diff != "" {
		t.Errorf("two plans of a seed differ:\n%s", diff)
	}
	if cmp.Equal(rounds(7), rounds(8)) {
		t.Error("two seeds have one plan")
	}
	p, seen := newPlan(7, kinds()), map[string]int{}
	for i := range 2 * len(kinds()) {
		k, _ := p.next()
		if seen[k.name]++; seen[k.name] > i/len(kinds())+1 {
			t.Errorf("%s comes again in round %d", k.name, i)
		}
	}
}

func TestUnanswered(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"connection_reset":   {errors.New("connection reset"), true},
		"server_error":       {&smithy.GenericAPIError{Code: "InternalFailure", Message: "list changed", Fault: smithy.FaultServer}, true},
		"unknown_code":       {&smithy.GenericAPIError{Code: "InternalError", Message: "dictionary changed size during iteration"}, true},
		"trigger_timed_out":  {&types.UnexpectedLambdaException{}, false},
		"trigger_in_text":    {&smithy.GenericAPIError{Code: "InternalFailure", Message: "Lambda failed", Fault: smithy.FaultServer}, false},
		"refused_by_trigger": {&types.UserLambdaValidationException{}, false},
		"refused":            {&types.NotAuthorizedException{}, false},
	} {
		if got := unanswered(fmt.Errorf("cognito.SignUp: %w", tc.err)); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	results := []result{
		{kind: "none", rounds: 1, acts: 5, survived: 5, slowest: time.Second, limit: limitOf(0)},
		{kind: "topic lose", rounds: 1, hits: 3, acts: 4, survived: 4, spare: 1},
		{kind: "topic lose", rounds: 1, hits: 2, acts: 4, survived: 3, lost: 1, unclear: 2, broken: []string{"event x: not on the bus"}},
	}
	var out strings.Builder
	err := report(&out, results, []kind{{name: "topic lose"}, {name: "bus cut"}}, "make chaos SEED=7")
	if err == nil || !strings.Contains(err.Error(), "event x: not on the bus") || !strings.Contains(err.Error(), "repeat it: make chaos SEED=7") {
		t.Errorf("error %v", err)
	}
	for _, want := range []string{
		"none        1       0         5     5         0     0        0            1.00 s",
		"topic lose  2       5         8     7         1     0        1 ", "all         3       5         13    12        1     0        1 ",
		"no time was left for: bus cut", "2 calls of people failed in the emulator itself", "not counted: ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	busy := result{kind: "none", rounds: 1, busy: 1}
	if err := report(&out, []result{busy}, nil, ""); err == nil || !strings.Contains(err.Error(), "no round was judged") {
		t.Errorf("error %v", err)
	}
	if err := report(&out, append(results[:2], busy), nil, ""); err != nil || !strings.Contains(out.String(), "1 rounds were not judged") {
		t.Errorf("error %v", err)
	}
	slow := result{slowest: 4 * time.Second, limit: limitOf(2 * time.Second)}
	quick, alone := slow, slow
	quick.slowest, alone.limit = 3*time.Second, limitOf(0)
	if !slow.tooBusy() || quick.tooBusy() || alone.tooBusy() {
		t.Error("a round is too busy if a trigger and the reference call are slow, and not otherwise")
	}
	if limitOf(time.Second)-limitOf(0) != 2*time.Second || limitOf(0) < publish.Budget {
		t.Errorf("limits %s, %s", limitOf(0), limitOf(time.Second))
	}
}
