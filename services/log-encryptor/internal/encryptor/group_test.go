package encryptor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/services/log-encryptor/internal/encryptor"
)

func TestKeep(t *testing.T) {
	t.Parallel()
	refusal := errors.New("refused")
	for name, tc := range map[string]struct {
		group     types.LogGroup
		retention int32
		fail      string
		gone      bool
		want      encryptor.Result
		after     string
		failed    bool
	}{
		"bare":                 {group: logGroup("g", "", 0), retention: 30, want: encryptor.Result{Encrypted: true, Retained: true}, after: ours + " 30"},
		"retention_left":       {group: logGroup("g", "", 0), want: encryptor.Result{Encrypted: true}, after: ours + " 0"},
		"has_all":              {group: logGroup("g", ours, 7), retention: 30, after: ours + " 7"},
		"another_key":          {group: logGroup("g", theirs, 7), retention: 30, want: encryptor.Result{Other: true}, after: theirs + " 7"},
		"another_key_for_ever": {group: logGroup("g", theirs, 0), retention: 30, want: encryptor.Result{Other: true, Retained: true}, after: theirs + " 30"},
		"fixed_retention": {
			group: types.LogGroup{LogGroupName: new("g"), LogGroupClass: types.LogGroupClassDelivery}, retention: 30,
			want: encryptor.Result{Encrypted: true}, after: ours + " 0",
		},
		"gone":              {group: logGroup("g", "", 0), retention: 30, gone: true, want: encryptor.Result{Gone: true}},
		"gone_with_key":     {group: logGroup("g", ours, 0), retention: 30, gone: true, want: encryptor.Result{Gone: true}},
		"key_refused":       {group: logGroup("g", "", 0), retention: 30, fail: "AssociateKmsKey", want: encryptor.Result{Retained: true}, after: "30", failed: true},
		"retention_refused": {group: logGroup("g", "", 0), retention: 30, fail: "PutRetentionPolicy", want: encryptor.Result{Encrypted: true}, after: ours + " 0", failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			logs := newLogs(tc.group)
			g, ok, err := (&encryptor.Directory{Logs: logs}).Find(t.Context(), "g")
			if err != nil || !ok {
				t.Fatalf("Find = %v, %v", ok, err)
			}
			if tc.gone {
				logs.Remove("g")
			}
			if tc.fail != "" {
				logs.Fail(tc.fail, refusal)
			}
			got, err := (&encryptor.Keeper{Logs: logs, KeyARN: ours}).Keep(t.Context(), g, tc.retention)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Keep (-want +got):\n%s", diff)
			}
			if tc.failed != errors.Is(err, refusal) || !tc.failed && err != nil {
				t.Errorf("error %v", err)
			}
			if after := logs.Snapshot()["g"]; after != tc.after {
				t.Errorf("after: %q, want %q", after, tc.after)
			}
		})
	}
}

func TestProtected(t *testing.T) {
	t.Parallel()
	bare, keyed := encryptor.Group{}, encryptor.Group{KeyARN: theirs}
	for name, tc := range map[string]struct {
		before encryptor.Group
		result encryptor.Result
		want   bool
	}{
		"still_bare":  {bare, encryptor.Result{Retained: true}, false},
		"now_keyed":   {bare, encryptor.Result{Encrypted: true}, true},
		"gone":        {bare, encryptor.Result{Gone: true}, true},
		"was_keyed":   {keyed, encryptor.Result{}, true},
		"another_key": {keyed, encryptor.Result{Other: true}, true},
	} {
		if got := tc.result.Protected(tc.before); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestList_turns_every_page(t *testing.T) {
	t.Parallel()
	logs := newLogs(logGroup("/b", "", 0))
	for i := range 120 {
		logs.Put(logGroup(fmt.Sprintf("/a/%03d", i), "", 0))
	}
	directory := &encryptor.Directory{Logs: logs}
	seen := map[string]int{}
	if err := directory.List(t.Context(), "/a/", func(g encryptor.Group) bool { seen[g.Name]++; return true }); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 120 || seen["/a/119"] != 1 {
		t.Errorf("%d groups seen", len(seen))
	}
	stopped := 0
	_ = directory.List(t.Context(), "/a/", func(encryptor.Group) bool { stopped++; return stopped < 3 })
	if stopped != 3 {
		t.Errorf("it went on for %d groups after it was stopped at 3", stopped)
	}
}

func TestFind_takes_the_whole_name(t *testing.T) {
	t.Parallel()
	logs := newLogs(logGroup("/a/b", "", 0), logGroup("/a/bc", ours, 0))
	directory := &encryptor.Directory{Logs: logs}
	if _, ok, err := directory.Find(t.Context(), "/a/"); ok || err != nil {
		t.Errorf("a prefix was found: %v", err)
	}
	if g, ok, _ := directory.Find(t.Context(), "/a/b"); !ok || g.KeyARN != "" {
		t.Errorf("Find = %+v, %v", g, ok)
	}
	logs.Fail("DescribeLogGroups", context.DeadlineExceeded)
	if _, _, err := directory.Find(t.Context(), "/a/b"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
