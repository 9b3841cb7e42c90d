package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatehouse.example/tools/stacks"
)

// TestCommittedPictures fails after a change of the templates: `make pictures` draws again.
func TestCommittedPictures(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	dir := filepath.Join(root, filepath.FromSlash(folder))
	drawn, err := draw(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range drawn {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s/%s is not what the templates give; run `make pictures`", folder, name)
		}
		wellFormed(t, name, want)
	}
}

func wellFormed(t *testing.T, name string, svg []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
}

const events = `
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !Sub "gatehouse-${Environment}-events"}
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "gatehouse-${Environment}-events-a<b"}
  DeadLetters:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "gatehouse-${Environment}-events-a-dlq"}
  Key: {Type: AWS::KMS::Key}
  Name:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Sub "/gatehouse/${Environment}/events/topic-arn", Value: !Ref Topic}
`

const guard = `
Resources:
  GuardFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "gatehouse-${Environment}-guard-presignup"
      Description: !Sub "{{resolve:ssm:/gatehouse/${Environment}/events/topic-arn}}"
`

func discover(t *testing.T, templates map[string]string) []stacks.Stack {
	t.Helper()
	root := t.TempDir()
	for name, text := range templates {
		dir := filepath.Join(root, "services", name)
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := stacks.Discover(root)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	got, err := architecture(discover(t, map[string]string{"guard": guard, "events": events}))
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, "architecture", got)
	after := 0
	for _, want := range []string{
		`class="t">events<`, `class="m">topics<`, `class="n">events<`, `class="m">queues<`, `class="n">a&lt;b<`, `class="n">and 1 for dead letters<`,
		`class="n">Key<`, `class="t">guard<`, `class="m">reads from events: topic-arn<`, `class="n">presignup<`,
	} {
		at := strings.Index(string(got[after:]), want)
		if at < 0 {
			t.Errorf("no %s after byte %d of\n%s", want, after, got)
			continue
		}
		after += at
	}
	if arrows := strings.Count(string(got), "<path"); arrows != 2 {
		t.Errorf("%d paths, want a line and its arrowhead", arrows)
	}
	if _, err := architecture(discover(t, map[string]string{"guard": guard})); err == nil {
		t.Error("no error for a name that no stack writes")
	}
}

const board = `
Resources:
  Dashboard:
    Type: AWS::CloudWatch::Dashboard
    Properties:
      DashboardName: !Sub gatehouse-${Environment}-user-events
      DashboardBody: !Sub |
        {"widgets":[{"x":0,"y":0,"width":8,"height":6,"properties":{"title":"A & B","stat":"Sum","metrics":[
          ["Gatehouse","Tries","Environment","${Environment}",{"id":"a"}], ["Gatehouse","Wins","Environment","${Environment}",{"id":"b"}],
          [{"label":"Open","expression":"a - b"}], ["Gatehouse","Wins","Environment","${Environment}",{"stat":"p50","label":"Half"}],
          [{"expression":"SEARCH('{Gatehouse,Environment,Reason} MetricName=\"No\" Environment=\"${Environment}\"', 'Sum', 60)"}]]}},
         {"x":8,"y":0,"width":8,"height":6,"properties":{"title":"Empty","stat":"p99","metrics":[["AWS/Lambda","Duration","FunctionName","f"]]}}]}
`

const measurements = `[
 {"key":["Gatehouse","Tries","Environment","local"],"stat":"Sum","points":{"60":3,"120":5}},
 {"key":["Gatehouse","Tries","Environment","dev"],"stat":"Sum","points":{"60":9}},
 {"key":["Gatehouse","Wins","Environment","local"],"stat":"Sum","points":{"60":1}},
 {"key":["Gatehouse","Wins","Environment","local"],"stat":"Maximum","points":{"60":7}},
 {"key":["Gatehouse","No","Environment","local","Reason","rule"],"stat":"Sum","points":{"60":2}},
 {"key":["Gatehouse","No","Environment","local"],"stat":"Sum","points":{"60":2}}]`

func TestDashboard(t *testing.T) {
	t.Parallel()
	got, err := dashboard(discover(t, map[string]string{"events": board}), []byte(measurements))
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, "dashboard", got)
	for _, want := range []string{">A &amp; B<", ">7<", ">00:01<", ">00:02<", ">Tries<", ">Wins<", ">Open<", ">rule<", ">Empty<", ">Half<", ">no data on a laptop<"} {
		if strings.Count(string(got), want) != 1 {
			t.Errorf("%d times %s in\n%s", strings.Count(string(got), want), want, got)
		}
	}
	if points := strings.Count(string(got), "<circle"); points != 7 {
		t.Errorf("%d points, want 2 tries, 1 win, 2 open and 1 reason", points)
	}
}

func TestDashboardRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ template, data, want string }{
		"expression":   {strings.Replace(board, "a - b", "a / b", 1), measurements, `"a / b" cannot be drawn`},
		"unknown_id":   {strings.Replace(board, "a - b", "a - c", 1), measurements, `"a - c" cannot be drawn`},
		"no_dashboard": {events, measurements, "no template has a dashboard"},
		"bad_body":     {strings.Replace(board, `{"widgets"`, `"widgets"`, 1), measurements, "json.Unmarshal Dashboard"},
		"bad_data":     {board, "{", "dashboard.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := dashboard(discover(t, map[string]string{"events": tc.template}), []byte(tc.data))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestMeasured(t *testing.T) {
	t.Parallel()
	metric := types.Metric{
		Namespace: aws.String("Gatehouse"), MetricName: aws.String("Tries"),
		Dimensions: []types.Dimension{{Name: aws.String("Environment"), Value: aws.String("local")}},
	}
	got := measured(metric, []types.Datapoint{{Timestamp: aws.Time(time.Unix(60, 0)), Sum: aws.Float64(3), Maximum: aws.Float64(2)}})
	key := []string{"Gatehouse", "Tries", "Environment", "local"}
	want := []series{{Key: key, Stat: "Sum", Points: map[int64]float64{60: 3}}, {Key: key, Stat: "Maximum", Points: map[int64]float64{60: 2}}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(series{})); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}
