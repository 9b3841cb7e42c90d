package encryptor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/services/log-encryptor/internal/encryptor"
)

// key is nil for a usable one.
type key struct{ err error }

func (k key) Usable(context.Context) error { return k.err }

func sweeper(logs *fakeLogs, out *bytes.Buffer) *encryptor.Sweeper {
	return &encryptor.Sweeper{
		Groups: &encryptor.Directory{Logs: logs}, Keeper: &encryptor.Keeper{Logs: logs, KeyARN: ours},
		Prefixes: encryptor.ParsePrefixes("/g/,/aws/x-", "/g/not/"), Retention: 30, Key: key{},
		Environment: "test", Out: out, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
}

// counted returns the metrics that were written.
func counted(t *testing.T, out *bytes.Buffer) map[string]float64 {
	t.Helper()
	got := map[string]float64{}
	for line := range strings.Lines(out.String()) {
		var values map[string]any
		if err := json.Unmarshal([]byte(line), &values); err != nil {
			t.Fatal(err)
		}
		for name, v := range values {
			if n, ok := v.(float64); ok {
				got[strings.TrimPrefix(name, "LogGroups")] += n
			}
		}
	}
	out.Reset()
	return got
}

func TestSweep(t *testing.T) {
	t.Parallel()
	logs := newLogs(
		logGroup("/g/bare", "", 0), logGroup("/g/keyed", ours, 7), logGroup("/g/other", theirs, 7),
		logGroup("/aws/x-1", "", 7), logGroup("/g/not/mine", "", 0), logGroup("/h/bare", "", 0),
	)
	var out bytes.Buffer
	s := sweeper(logs, &out)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"/g/bare": ours + " 30", "/g/keyed": ours + " 7", "/g/other": theirs + " 7", "/aws/x-1": ours + " 7",
		"/g/not/mine": "0", "/h/bare": "0",
	}
	if diff := cmp.Diff(want, logs.Snapshot()); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"Seen": 4, "Encrypted": 2, "OtherKey": 1, "Unencrypted": 0}, counted(t, &out)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// A second sweep changes nothing and finds nothing to do, whatever the first one
// found.
func TestSweep_is_idempotent(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		logs := newLogs()
		for range random.IntN(130) {
			name := []string{"/g/", "/g/not/", "/aws/x-", "/h/"}[random.IntN(4)] + fmt.Sprint(random.IntN(200))
			logs.Put(logGroup(name, []string{"", ours, theirs}[random.IntN(3)], []int32{0, 7, 30}[random.IntN(3)]))
		}
		outside := untouchable(logs.Snapshot())
		var out bytes.Buffer
		s := sweeper(logs, &out)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		first, writes := logs.Snapshot(), len(logs.Writes())
		if got := counted(t, &out)["Unencrypted"]; got != 0 {
			t.Fatalf("seed %d: %v groups unencrypted after a sweep", seed, got)
		}
		if diff := cmp.Diff(outside, untouchable(first)); diff != "" {
			t.Fatalf("seed %d: the sweep changed groups of others (-before +after):\n%s", seed, diff)
		}
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, logs.Snapshot()); diff != "" || len(logs.Writes()) != writes {
			t.Fatalf("seed %d: the second sweep changed (-first +second):\n%s%v", seed, diff, logs.Writes()[writes:])
		}
		if got := counted(t, &out)["Encrypted"]; got != 0 {
			t.Fatalf("seed %d: the second sweep encrypted %v", seed, got)
		}
	}
}

// untouchable are the groups outside of the prefixes.
func untouchable(all map[string]string) map[string]string {
	out := map[string]string{}
	for name, state := range all {
		if strings.HasPrefix(name, "/h/") || strings.HasPrefix(name, "/g/not/") {
			out[name] = state
		}
	}
	return out
}

func TestSweep_goes_on_after_a_failure(t *testing.T) {
	t.Parallel()
	logs := newLogs()
	for i := range 9 {
		logs.Put(logGroup(fmt.Sprintf("/g/%d", i), "", 7))
	}
	for i := range 7 {
		logs.Fail(fmt.Sprintf("AssociateKmsKey /g/%d", i), &smithy.GenericAPIError{Code: "no", Message: "quoted"})
	}
	var out bytes.Buffer
	err := sweeper(logs, &out).Sweep(t.Context())
	if err == nil || !strings.Contains(err.Error(), "7 log groups failed: /g/0: logs.AssociateKmsKey: no") || strings.Contains(err.Error(), "/g/5") {
		t.Errorf("error %v", err)
	}
	if got := counted(t, &out); got["Unencrypted"] != 7 || got["Encrypted"] != 2 {
		t.Errorf("metrics %v", got)
	}
}

// Part of a list would count too few groups: nothing is written, and the alarm
// treats missing data as a failure.
func TestSweep_without_a_list_counts_nothing(t *testing.T) {
	t.Parallel()
	logs := newLogs(logGroup("/g/1", "", 0))
	logs.Fail("DescribeLogGroups", errors.New("throttled"))
	var out bytes.Buffer
	if err := sweeper(logs, &out).Sweep(t.Context()); err == nil || out.Len() > 0 {
		t.Errorf("error %v, metrics %q", err, out.String())
	}
}

func TestSweep_with_a_broken_key(t *testing.T) {
	t.Parallel()
	logs := newLogs(logGroup("/g/1", "", 0), logGroup("/g/2", ours, 0))
	var out bytes.Buffer
	s := sweeper(logs, &out)
	s.Key = key{errors.New("its state is Disabled")}
	if err := s.Sweep(t.Context()); err == nil || !strings.Contains(err.Error(), "Disabled") {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff(map[string]string{"/g/1": "0", "/g/2": ours + " 30"}, logs.Snapshot()); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if got := counted(t, &out); got["Unencrypted"] != 1 || got["Seen"] != 2 {
		t.Errorf("metrics %v", got)
	}
}

// A group for which no time is left is counted as it is, and left to the next sweep.
func TestSweep_ends_before_the_function_does(t *testing.T) {
	t.Parallel()
	logs := newLogs(logGroup("/g/1", "", 0), logGroup("/g/2", ours, 0))
	var out bytes.Buffer
	s := sweeper(logs, &out)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if got := counted(t, &out); len(logs.Writes()) != 0 || got["Unencrypted"] != 1 {
		t.Errorf("writes %v, metrics %v", logs.Writes(), got)
	}
}
