package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse.example/contracts"
)

// TestAWSStub: a key is written once, a partition takes a limited number of rows a second,
// and the bus answers for each entry.
func TestAWSStub(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newAWSStub(0, true)
		call := func(target, body string) string {
			req := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(body))
			req.Header.Set("X-Amz-Target", target)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, req)
			return w.Body.String()
		}
		put := func(pk string, i int) string {
			return call("DynamoDB_20120810.PutItem", fmt.Sprintf(`{"Item":{"pk":{"S":%q},"sk":{"S":"%d"}}}`, pk, i))
		}
		if first, again := put("a", 0), put("a", 0); first != "{}" || !strings.Contains(again, "ConditionalCheckFailed") {
			t.Errorf("first %s, again %s", first, again)
		}
		for i := range partitionLimit - 2 {
			put("a", i+1)
		}
		if over := put("a", -1); !strings.Contains(over, "ProvisionedThroughputExceeded") {
			t.Errorf("above the limit: %s", over)
		}
		if other := put("b", 0); other != "{}" {
			t.Errorf("another partition: %s", other)
		}
		<-time.After(time.Second)
		if later := put("a", -1); later != "{}" {
			t.Errorf("a second later: %s", later)
		}
		before := s.ended()
		out := call("AWSEvents.PutEvents", `{"Entries":[{"DetailType":"a"},{"DetailType":"b"}]}`)
		var got struct{ Entries []struct{ EventId string } }
		if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Entries) != 2 || s.ended() != before+2 {
			t.Errorf("%s, %v; %d events ended, want %d", out, err, s.ended(), before+2)
		}
		const two = "Action=PublishBatch&PublishBatchRequestEntries.member.1.Id=a&PublishBatchRequestEntries.member.2.Id=b"
		if topic := call("", two); strings.Count(topic, "<MessageId>") != 2 || !strings.Contains(topic, "<Id>b</Id>") || s.ended() != before+4 {
			t.Errorf("topic: %s; %d events ended", topic, s.ended())
		}
	})
}

// TestLoadQueue gives out every event, valid and different, and again what failed.
func TestLoadQueue(t *testing.T) {
	t.Parallel()
	for _, l := range loads() {
		q := &loadQueue{source: l, events: 2*batchSize + 1}
		seen := map[string]int{}
		for n := 0; ; n++ {
			raw, err := q.batch()
			if err != nil {
				t.Fatal(err)
			}
			if raw == nil {
				break
			}
			var in struct{ Records []sqsMessage }
			if err := json.Unmarshal(raw, &in); err != nil {
				t.Fatal(err)
			}
			for _, m := range in.Records {
				ev, err := contracts.Decode([]byte(m.Body))
				if err != nil {
					t.Fatalf("%s: %v", l.name, err)
				}
				seen[ev.ID()]++
			}
			if n == 0 {
				if err := q.fail([]string{in.Records[3].MessageID}); err != nil {
					t.Fatal(err)
				}
			}
		}
		twice := 0
		for _, n := range seen {
			twice += n - 1
		}
		if len(seen) != q.events || twice != 1 || q.came != 1 {
			t.Errorf("%s: %d events, %d of them twice, %d came again", l.name, len(seen), twice, q.came)
		}
	}
}

func TestPrintLoad(t *testing.T) {
	t.Parallel()
	good := loadResult{consumer: "c", load: "l", perCore: perCore, batch: maxBatch, costEarly: 100, costLate: 125, memoryEarly: 100, memoryEnd: 125}
	for name, c := range map[string]struct {
		change func(*loadResult)
		want   string
	}{
		"good":    {func(*loadResult) {}, ""},
		"slow":    {func(r *loadResult) { r.perCore-- }, "c, l: below 5000"},
		"limited": {func(r *loadResult) { r.limited, r.perCore, r.costLate = true, 1, 1000 }, ""},
		"late":    {func(r *loadResult) { r.batch++ }, "c, l: a batch takes longer"},
		"dearer":  {func(r *loadResult) { r.costLate++ }, "c, l: later events cost more"},
		"grows":   {func(r *loadResult) { r.memoryEnd++ }, "c, l: memory grows"},
	} {
		r := good
		c.change(&r)
		var out strings.Builder
		got := strings.Join(printLoad(&out, []loadResult{r}), "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) || !strings.Contains(out.String(), "c         l") {
			t.Errorf("%s: missed %q in\n%s", name, got, &out)
		}
	}
}

// TestLoadEnv: a consumer gets what its template sets, so that it starts after the
// template and the code have got a new variable.
func TestLoadEnv(t *testing.T) {
	t.Parallel()
	for _, c := range consumers() {
		env, err := c.env("..")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := strings.Join(env, "\n") + "\n"
		for _, want := range []string{"GOGC=400\n", "GOMAXPROCS=1\n", "GATEHOUSE_ENVIRONMENT=http", "DEAD_LETTER_QUEUE_URL=http"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, got)
			}
		}
	}
	// Numbers: a function that cannot read one does not start.
	for _, name := range []string{"CLIENT_TOKENS_PER_HOUR", "RETENTION_DAYS"} {
		if _, err := strconv.Atoi(referred(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (loadConsumer{dir: "services/user-events/cmd/nothing"}).env(".."); err == nil {
		t.Error("a function that is not in the template has an environment")
	}
}
