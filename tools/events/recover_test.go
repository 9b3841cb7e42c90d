package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/publish"
)

// groups are log groups in memory; each answers one line a page.
type groups map[string][]string

func (g groups) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for name := range g {
		if strings.HasPrefix(name, *in.LogGroupNamePrefix) {
			out.LogGroups = append(out.LogGroups, types.LogGroup{LogGroupName: &name})
		}
	}
	return out, nil
}

func (g groups) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	at, _ := strconv.Atoi(aws.ToString(in.NextToken))
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	if lines := g[*in.LogGroupName]; at < len(lines) {
		out.Events = []types.FilteredLogEvent{{Message: &lines[at]}}
		if at+1 < len(lines) {
			out.NextToken = aws.String(strconv.Itoa(at + 1))
		}
	}
	return out, nil
}

// box is an outbox in memory.
type box struct {
	bodies []string
	fail   bool
}

func (b *box) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if b.fail {
		return nil, errors.New("no")
	}
	b.bodies = append(b.bodies, *in.MessageBody)
	return &sqs.SendMessageOutput{}, nil
}

// line is what lambdakit/publish logs, in one of the two formats.
func line(asJSON bool, body string) string {
	var b bytes.Buffer
	var h slog.Handler = slog.NewTextHandler(&b, nil)
	if asJSON {
		h = slog.NewJSONHandler(&b, nil)
	}
	slog.New(h).Error("event kept in this line only; `gatehouse events recover` puts it back",
		publish.UndeliveredKey, json.RawMessage(body), "topicError", "sns: \"x\"", "outboxError", "y")
	return b.String()
}

func TestRecover(t *testing.T) {
	t.Parallel()
	// The same id from another source is another event.
	elsewhere := strings.Replace(document("1"), `"source":"s"`, `"source":"another"`, 1)
	logs := groups{
		"/gatehouse/test/a/f":    {line(true, document("1")), "START", line(false, document("2")), line(true, document("1"))},
		"/gatehouse/test/b/g":    {line(true, `{"id":"no event"}`), line(false, document("3")), line(true, elsewhere)},
		"/gatehouse/testing/a/f": {line(true, document("4"))},
	}
	var out bytes.Buffer
	b := &box{}
	r := &Recoverer{Logs: logs, Outbox: b, OutboxURL: "url", Out: &out}
	if err := r.Recover(t.Context(), "/gatehouse/test/", time.Time{}, true); err == nil || len(b.bodies) != 0 {
		t.Errorf("dry run: %d sent, error %v", len(b.bodies), err)
	}
	contains(t, &out, "would send 4 events")
	err := r.Recover(t.Context(), "/gatehouse/test/", time.Time{}, false)
	if err == nil || !strings.Contains(err.Error(), "1 log lines have no valid event") {
		t.Errorf("error %v, want one that counts the unreadable line", err)
	}
	got := map[string]bool{}
	for _, body := range b.bodies {
		got[body] = true
	}
	want := map[string]bool{document("1"): true, document("2"): true, document("3"): true, elsewhere: true}
	if diff := cmp.Diff(want, got); diff != "" || len(b.bodies) != 4 {
		t.Errorf("%d sent (-want +got):\n%s", len(b.bodies), diff)
	}
	b.fail = true
	if err := r.Recover(t.Context(), "/gatehouse/test/", time.Time{}, false); err == nil || !strings.Contains(err.Error(), "after 0") {
		t.Errorf("error %v, want one that says how far it came", err)
	}
}

// What a person wrote into a logged value must not pass for a kept event.
func TestKeptEventIgnoresQuotedOnes(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{true, false} {
		var b bytes.Buffer
		var h slog.Handler = slog.NewTextHandler(&b, nil)
		if asJSON {
			h = slog.NewJSONHandler(&b, nil)
		}
		slog.New(h).Error("forgiven", "source", ` `+publish.UndeliveredKey+`="{}"`, "more", publish.UndeliveredKey)
		if body, kept := keptEvent(b.String()); kept {
			t.Errorf("JSON %v: took %q out of %s", asJSON, body, &b)
		}
	}
}

func FuzzKeptEvent(f *testing.F) {
	f.Add(line(true, document("1")))
	f.Add(line(false, document("1")))
	f.Add(`a="unclosed`)
	f.Add(`=`)
	f.Fuzz(func(t *testing.T, message string) {
		body, kept := keptEvent(message)
		if !kept && body != nil {
			t.Errorf("a body that was not kept: %q", body)
		}
	})
}
