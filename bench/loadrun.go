package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/template"
)

// loadConsumer is one function to measure.
type loadConsumer struct {
	name, dir string
	rows      bool // it writes to partitions of a table
}

func consumers() []loadConsumer {
	return []loadConsumer{
		{name: "metrics", dir: "services/user-events/cmd/metrics"},
		{name: "recorder", dir: "services/signin-audit/cmd/recorder", rows: true},
		{name: "bridge", dir: "services/user-events/cmd/bridge"},
		{name: "drain", dir: "services/user-events/cmd/drain"},
	}
}

// env has every variable that the consumer's template sets: those with a value in the
// template have it, the others one of their form.
func (c loadConsumer) env(root string) ([]string, error) {
	service, function, _ := strings.Cut(c.dir, "/cmd/")
	t, err := template.ReadFile(filepath.Join(root, service, "template.yaml"))
	if err != nil {
		return nil, fmt.Errorf("template.ReadFile: %w", err)
	}
	sections := []*yaml.Node{template.Get(t.Root, "Globals", "Function")}
	for _, f := range t.Resources("AWS::Serverless::Function") {
		if template.Text(f.Prop("CodeUri")) == "cmd/"+function {
			sections = append(sections, f.Prop())
		}
	}
	if len(sections) != 2 {
		return nil, fmt.Errorf("%s has no function cmd/%s", t.Path, function)
	}
	var out []string
	for _, s := range sections {
		for key, value := range template.Pairs(template.Get(s, "Environment", "Variables")) {
			text := value.Value
			if value.Tag != "!!str" && value.Tag != "!!int" { // a reference
				text = referred(key.Value)
			}
			out = append(out, key.Value+"="+text)
		}
	}
	return out, nil
}

// referred is a value for a variable whose value in the template is a reference.
func referred(name string) string {
	if value, special := map[string]string{
		"CLIENT_TOKENS_PER_HOUR": "1000", "RETENTION_DAYS": "400", "TOPIC_ARN": "arn:aws:sns:eu-central-1:111122223333:topic",
		"OTLP_METRICS_URL": "", // which is off unless somebody wants it
	}[name]; special {
		return value
	}
	return "http://127.0.0.1:1/" + name
}

// loadSource makes the events of a load.
type loadSource struct {
	name string
	// part divides the number of events.
	part int
	// subject of event i; empty for none.
	subject func(i int) string
	// rowsOnly is set if only a table's partitions see a difference, limited if they have
	// a limit.
	rowsOnly, limited bool
}

func loads() []loadSource {
	const user = "b1e7c2a0-5a2f-4f0e-9f58-1c2d3e4f"
	return []loadSource{
		{name: "many users", part: 1, subject: func(i int) string { return fmt.Sprintf("%s%04x", user, i%65536) }},
		{name: "one user", part: 10, subject: func(int) string { return user + "0000" }, rowsOnly: true, limited: true},
		{name: "nobody, one day", part: 10, subject: func(int) string { return "" }, rowsOnly: true, limited: true},
	}
}

// at is the time of the first event; each of the next is a millisecond later.
var at = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// body is the message of event i.
func (s loadSource) body(i int) (string, error) {
	act := contracts.Act{
		ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i), PoolARN: "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_Example01",
		Subject: s.subject(i), ClientID: "1example23456789example0001", Time: at.Add(time.Duration(i) * time.Millisecond),
	}
	ev, err := contracts.NewSigninAttempted(act, contracts.SigninAttempted{})
	if err != nil {
		return "", fmt.Errorf("contracts.NewSigninAttempted: %w", err)
	}
	raw, err := contracts.Encode(ev)
	return string(raw), err
}

// sqsMessage is one entry of an SQSEvent, as Lambda writes it.
type sqsMessage struct {
	MessageID string `json:"messageId"`
	Body      string `json:"body"`
	Source    string `json:"eventSource"`
}

// loadQueue gives out the events of a load, first those that came again.
type loadQueue struct {
	source loadSource
	next   int
	events int
	again  []int
	came   int // how often an event came again
}

// batch is the next batch, or nil.
func (q *loadQueue) batch() ([]byte, error) {
	var records []sqsMessage
	for len(records) < batchSize {
		i := q.next
		if len(q.again) > 0 {
			i, q.again = q.again[0], q.again[1:]
		} else if q.next++; i >= q.events {
			q.next = q.events
			break
		}
		body, err := q.source.body(i)
		if err != nil {
			return nil, err
		}
		records = append(records, sqsMessage{strconv.Itoa(i), body, "aws:sqs"})
	}
	if len(records) == 0 {
		return nil, nil
	}
	return json.Marshal(map[string][]sqsMessage{"Records": records})
}

// fail puts failed messages back.
func (q *loadQueue) fail(ids []string) error {
	for _, id := range ids {
		i, err := strconv.Atoi(id)
		if err != nil {
			return fmt.Errorf("the function names message %q: %w", id, err)
		}
		q.again = append(q.again, i)
	}
	q.came += len(ids)
	return nil
}

// loadOne measures one consumer under one load. Every event must end exactly once.
func loadOne(ctx context.Context, binary string, env []string, c loadConsumer, l loadSource, n int) (loadResult, error) {
	r := loadResult{consumer: c.name, load: l.name, limited: l.limited}
	var err error
	if !l.limited {
		if r.batch, err = withLatency(ctx, binary, env, l); err != nil {
			return r, err
		}
	}
	aws := newAWSStub(0, l.limited)
	server := httptest.NewServer(aws)
	defer server.Close()
	f, err := startConsumer(ctx, binary, append(slices.Clone(env), "AWS_ENDPOINT_URL="+server.URL))
	if err != nil {
		return r, err
	}
	defer f.stop()
	q := &loadQueue{source: l, events: n}
	var spent [3]time.Duration // at the start, after the early events, and before the last
	var events [3]int
	mark := func(at int) { spent[at], events[at] = cpuTime(f.pid), q.next-len(q.again) }
	for {
		switch {
		case events[0] == 0 && q.next >= early/10: // past the first collections and caches
			mark(0)
		case events[1] == 0 && q.next >= early:
			mark(1)
			r.memoryEarly = rss(f.pid)
		case events[2] == 0 && q.next >= n-early:
			mark(2)
		}
		batch, err := q.batch()
		if err != nil || batch == nil {
			if err != nil {
				return r, err
			}
			break
		}
		failed, _, err := f.invoke(batch)
		if err != nil {
			return r, err
		}
		if err := q.fail(failed); err != nil {
			return r, err
		}
	}
	end := cpuTime(f.pid)
	r.memoryEnd, r.again = rss(f.pid), q.came
	r.costEarly = (spent[1] - spent[0]) / time.Duration(events[1]-events[0])
	r.costLate = (end - spent[2]) / time.Duration(n-events[2])
	r.perCore = float64(n-events[0]) / (end - spent[0]).Seconds()
	if got := aws.ended(); got != n {
		return r, fmt.Errorf("%d of %d events ended", got, n)
	}
	return r, nil
}

// withLatency is the median time of a batch while each call takes a while.
func withLatency(ctx context.Context, binary string, env []string, l loadSource) (time.Duration, error) {
	server := httptest.NewServer(newAWSStub(latency, false))
	defer server.Close()
	f, err := startConsumer(ctx, binary, append(slices.Clone(env), "AWS_ENDPOINT_URL="+server.URL))
	if err != nil {
		return 0, err
	}
	defer f.stop()
	const warm, batches = 5, 41
	q := &loadQueue{source: l, events: (warm + batches) * batchSize}
	var times []time.Duration
	for i := range warm + batches {
		batch, err := q.batch()
		if err != nil {
			return 0, err
		}
		failed, took, err := f.invoke(batch)
		if err != nil || len(failed) > 0 {
			return 0, fmt.Errorf("%d events failed: %w", len(failed), err)
		}
		if i >= warm {
			times = append(times, took)
		}
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// function is the process of a consumer.
type function struct {
	api *runtimeAPI
	cmd *exec.Cmd
	pid int
}

func (f *function) stop() { _ = f.cmd.Process.Kill(); _ = f.cmd.Wait(); _ = f.api.server.Close() }

// startConsumer runs a binary, with the settings of its template.
func startConsumer(ctx context.Context, binary string, env []string) (*function, error) {
	api, err := newRuntimeAPI(ctx)
	if err != nil {
		return nil, err
	}
	api.notSampled = true // as most invocations of a busy function
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + api.addr, "AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=s",
		"AWS_EC2_METADATA_DISABLED=true", "PATH=" + os.Getenv("PATH"),
	}, env...)
	cmd.Stderr = os.Stderr // an error, or a warning of the SDK
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("exec.Cmd.Start: %w", err)
	}
	f := &function{api: api, cmd: cmd, pid: cmd.Process.Pid}
	if _, err = api.waitReady(); err != nil {
		f.stop()
	}
	return f, err
}

// invoke sends a batch and returns the ids of the messages that failed.
func (f *function) invoke(batch []byte) (failed []string, took time.Duration, err error) {
	if took, err = f.api.invoke(batch); err != nil {
		return nil, 0, err
	}
	var answer struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(f.api.response, &answer); err != nil {
		return nil, 0, fmt.Errorf("json.Unmarshal: %w", err)
	}
	for _, item := range answer.BatchItemFailures {
		failed = append(failed, item.ItemIdentifier)
	}
	return failed, took, nil
}
