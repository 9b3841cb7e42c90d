package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"gatehouse.example/tools/actors"
)

// batch is how many messages the emulator gives a function at most.
const batch = 10

// observe reads what the events since then have left behind.
func (s *system) observe(ctx context.Context, l *listener, users []string, began time.Time, killed int) (observation, error) {
	o := observation{killed: killed * batch}
	arrived, err := l.since(began)
	if err != nil {
		return o, err
	}
	of := map[string]bool{}
	for _, user := range users {
		of[user] = true
	}
	for _, a := range arrived {
		o.bus = append(o.bus, a.entry)
		of[a.user] = a.user != ""
	}
	trail := actors.Trail{Table: s.dynamodb, Name: s.env["AUDIT_TABLE"]}
	rows, err := trail.Between(ctx, s.env["USER_POOL_ID"], began, time.Now())
	if err != nil {
		return o, fmt.Errorf("actors.Trail.Between: %w", err)
	}
	for user, named := range of {
		if !named {
			continue
		}
		found, err := trail.Of(ctx, user)
		if err != nil {
			return o, fmt.Errorf("actors.Trail.Of: %w", err)
		}
		rows = append(rows, found...)
	}
	for _, r := range rows {
		o.rows = append(o.rows, newEntry(r.Type, r.ID, r.Sub, []byte(r.Data)))
	}
	lines, err := s.lines(ctx, s.group("user-events", "metrics"), "", began)
	if err != nil {
		return o, err
	}
	o.counted, o.claims = sums(lines), unansweredClaims(lines)
	o.waiting, err = s.waiting(ctx, l.name)
	return o, err
}

// lines are those of a log group since then that contain a word, or all.
func (s *system) lines(ctx context.Context, group, word string, began time.Time) ([]string, error) {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, StartTime: aws.Int64(began.UnixMilli())}
	if word != "" {
		in.FilterPattern = aws.String(`"` + word + `"`)
	}
	var out []string
	for pages := cloudwatchlogs.NewFilterLogEventsPaginator(s.logs, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("cloudwatchlogs.FilterLogEvents: %w", err)
		}
		for _, e := range page.Events {
			out = append(out, aws.ToString(e.Message))
		}
	}
	return out, nil
}

// counters are the metrics that the judgement compares.
func counters() []string { return append(slices.Collect(maps.Values(metrics())), consumed) }

// sums adds up the counters in metric lines, without those that have a dimension of their
// own: each event is in a line of both.
func sums(lines []string) map[string]int {
	out := map[string]int{}
	for _, line := range lines {
		var values map[string]any
		if json.Unmarshal([]byte(line), &values) != nil || values["_aws"] == nil || hasDimension(values) {
			continue
		}
		for _, name := range counters() {
			if n, ok := values[name].(float64); ok {
				out[name] += int(n)
			}
		}
	}
	return out
}

func hasDimension(values map[string]any) bool {
	return slices.ContainsFunc([]string{"ClientId", "Reason", "Consumer"}, func(name string) bool { return values[name] != nil })
}

// unansweredClaims counts the messages whose claim failed: DynamoDB may have made it.
func unansweredClaims(lines []string) int {
	messages := map[string]bool{}
	for _, line := range lines {
		var entry struct{ MessageID, Error string }
		if json.Unmarshal([]byte(line), &entry) == nil && strings.HasPrefix(entry.Error, "ledger.Claim: ") {
			messages[entry.MessageID] = true
		}
	}
	return len(messages)
}

var reportLine = regexp.MustCompile(`^REPORT RequestId: \S+\s+Duration: (\d+)(?:\.\d+)? ms`)

// slowest is the longest time in Lambda's report lines.
func slowest(lines []string) time.Duration {
	most := 0
	for _, line := range lines {
		if m := reportLine.FindStringSubmatch(line); m != nil {
			if ms, err := strconv.Atoi(m[1]); err == nil {
				most = max(most, ms)
			}
		}
	}
	return time.Duration(most) * time.Millisecond
}

// slowestTrigger is the longest call of a trigger since then.
func (s *system) slowestTrigger(ctx context.Context, began time.Time) (time.Duration, error) {
	var all []string
	for _, trigger := range [][2]string{{"signup-guard", "presignup"}, {"user-events", "postconfirmation"}, {"signin-audit", "preauthentication"}, {"signin-audit", "postauthentication"}} {
		lines, err := s.lines(ctx, s.group(trigger[0], trigger[1]), "REPORT", began)
		if err != nil {
			return 0, err
		}
		all = append(all, lines...)
	}
	return slowest(all), nil
}

// waiting are the queues of the environment that hold messages, dead letters included.
func (s *system) waiting(ctx context.Context, except string) ([]string, error) {
	list, err := s.queues(ctx)
	if err != nil {
		return nil, err
	}
	names := []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"}
	var out []string
	for _, url := range list {
		name := url[strings.LastIndexByte(url, '/')+1:]
		if name == except {
			continue
		}
		got, err := s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
		if err != nil {
			return nil, fmt.Errorf("sqs.GetQueueAttributes: %w", err)
		}
		n := 0
		for _, text := range got.Attributes {
			messages, err := strconv.Atoi(text)
			if err != nil {
				return nil, fmt.Errorf("strconv.Atoi: %w", err)
			}
			n += messages
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%s: %d", name, n))
		}
	}
	return out, nil
}

func (s *system) queues(ctx context.Context) ([]string, error) {
	out, err := s.sqs.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String(s.name(""))})
	if err != nil {
		return nil, fmt.Errorf("sqs.ListQueues: %w", err)
	}
	return out.QueueUrls, nil
}

// retryAfter is how long a message stays hidden that a function has received, in seconds:
// longer than a function may take, and a fraction of what the templates say.
const retryAfter = 11

// hurry shortens the time until a message that failed is delivered again, so that a round
// takes seconds. It does not change the number of attempts.
func (s *system) hurry(ctx context.Context) (restore func(context.Context) error, err error) {
	was := map[string]string{}
	restore = func(ctx context.Context) error {
		for url, seconds := range was {
			if err := s.hide(ctx, url, seconds); err != nil {
				return err
			}
		}
		return nil
	}
	list, err := s.queues(ctx)
	if err != nil {
		return restore, err
	}
	for _, url := range list {
		if !slices.ContainsFunc([]string{"outbox", "metrics", "bridge", "notices", "recorder", "signin-records"}, func(queue string) bool { return strings.HasSuffix(url, "-"+queue) }) {
			continue
		}
		out, err := s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"VisibilityTimeout"}})
		if err != nil {
			return restore, fmt.Errorf("sqs.GetQueueAttributes: %w", err)
		}
		was[url] = out.Attributes["VisibilityTimeout"]
		if err := s.hide(ctx, url, strconv.Itoa(retryAfter)); err != nil {
			return restore, err
		}
	}
	return restore, nil
}

func (s *system) hide(ctx context.Context, url, seconds string) error {
	_, err := s.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"VisibilityTimeout": seconds}})
	if err != nil {
		return fmt.Errorf("sqs.SetQueueAttributes: %w", err)
	}
	return nil
}

// killed is how many invocations of a function have ended with its process so far. The
// emulator writes no metric of a call that SQS makes, but a line.
func (s *system) killed(function string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, "log", "emulator.log"))
	if err != nil {
		return 0, fmt.Errorf("os.ReadFile: %w", err)
	}
	return strings.Count(string(raw), "Lambda "+s.name(function)+": Runtime exited before returning a response"), nil
}
