package events

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFindAndList(t *testing.T) {
	t.Parallel()
	b := newBroker()
	b.link("gatehouse-test-a-work", "gatehouse-test-a-work-dlq")
	b.link("gatehouse-test-b-work", "gatehouse-test-b-Dead1X2Y")
	b.link("gatehouse-testing-work", "gatehouse-testing-work-dlq")
	b.put("gatehouse-test-b-Dead1X2Y", document("e1"), "ann@example.org")
	b.gone = "gatehouse-test-c-work"
	b.queues[b.gone] = nil
	dlqs, err := find(t.Context(), b, "gatehouse-test-")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, q := range dlqs {
		got = append(got, q.name+" of "+q.sources[0].name)
	}
	want := []string{"gatehouse-test-a-work-dlq of gatehouse-test-a-work", "gatehouse-test-b-Dead1X2Y of gatehouse-test-b-work"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	if _, err := pick(dlqs, "nope"); err == nil || !strings.Contains(err.Error(), "gatehouse-test-a-work-dlq") {
		t.Errorf("error %v, want one that lists what there is", err)
	}
	var out bytes.Buffer
	l := &lister{client: b, out: &out, now: func() time.Time { return time.UnixMilli(61000) }}
	if err := l.list(t.Context(), dlqs, true); err != nil {
		t.Fatal(err)
	}
	contains(t, &out, `"e1"`, "1m0s old", "not a valid event, 15 bytes", "gatehouse-test-a-work-dlq  0")
	if strings.Contains(out.String(), "ann@") {
		t.Errorf("the body of an invalid message is shown:\n%s", &out)
	}
	if len(b.held) != 0 {
		t.Errorf("looking left %d messages hidden", len(b.held))
	}
}

// A message that another reader holds is counted, and peek asks more than once.
func TestPeekAsksAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		prepare func(*broker)
		want    string
	}{
		{"empty_answers", func(b *broker) { b.empty = peeks - 1 }, `"e1"`},
		{"held", func(b *broker) { b.hide(dlq, 1, time.Hour) }, "returns none of its messages now"},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			b := newBroker()
			b.link(source, dlq)
			b.put(dlq, document("e1"))
			tc.prepare(b)
			var out bytes.Buffer
			l := &lister{client: b, out: &out, now: time.Now}
			if err := l.list(t.Context(), []deadLetterQueue{found(t, b, dlq)}, true); err != nil {
				t.Fatal(err)
			}
			contains(t, &out, dlq+"  1", tc.want)
		})
	}
}
