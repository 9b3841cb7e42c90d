package builds

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// forgeries are values that could end a log line, look like one, be a metric, or control
// a terminal.
func forgeries() []string {
	emf := `{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"Forged","Dimensions":[[]],"Metrics":[{"Name":"Forged"}]}]},"Forged":1}`
	line := `{"time":"2026-11-22T09:30:00Z","level":"ERROR","msg":"forged","gatehouseUndelivered":{"id":"forged"}}`
	return []string{
		"\n" + emf + "\n", "\r\n" + emf, "\u2028" + emf + "\u2028", "\u2029" + line, "\x00\n" + line + "\n", emf, line, `","_aws":` + emf[8:],
		`\n` + emf, `\u000a` + emf, "\x1b[2J\x1b]0;forged\x07", "\x1b[1A\x1b[2K" + line, "\b\b\b\b" + line, "\x85" + line, "\u202e" + line, "_aws", "msg",
		"\xff\xfe\n" + line, "forged\tforged\vforged\f", strings.Repeat("forged\n", 2000), "environment", strings.Repeat("é\n", 300),
	}
}

// forged are payloads whose words are all forgeries: a seed chooses which.
func forged(base string, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 3))
	all := forgeries()
	text := placeholder.ReplaceAllStringFunc(base, func(found string) string {
		if strings.HasPrefix(found, "{{#") {
			return "88173"
		}
		quoted, err := json.Marshal(all[rng.IntN(len(all))])
		if err != nil {
			panic(err) // a string
		}
		return string(quoted[1 : len(quoted)-1])
	})
	var tree any
	if json.Unmarshal([]byte(text), &tree) != nil {
		return []byte(text)
	}
	// One more value, which may be one of AWS.
	if all := paths(tree, nil); seed%2 == 1 {
		tree = replaced(tree, all[rng.IntN(len(all))], forgeries()[rng.IntN(len(forgeries()))])
	}
	raw, err := json.Marshal(tree)
	if err != nil {
		panic(err) // from JSON
	}
	return raw
}

// metricLine is a line in CloudWatch's embedded metric format.
type metricLine struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

var (
	metricName = regexp.MustCompile(`^[A-Z][A-Za-z]{2,40}$`)
	// CloudWatch accepts printable ASCII in a dimension's value
	// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html).
	dimensionValue = regexp.MustCompile(`^[!-~][ -~]{0,254}$`)
	// A message is one of the code's own, and its attributes are named there.
	message   = regexp.MustCompile("^[A-Za-z0-9 ,;:.`'()/-]{1,120}$")
	attribute = regexp.MustCompile(`^[A-Za-z]{2,30}$`)
	// aws-lambda-go writes errors this way.
	runtimeLine = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (\{"errorMessage":.*\})$`)
)

// wrong says what is wrong with a line of a function's log, or returns "". A line is one
// message, one metric, or one error of aws-lambda-go.
func wrong(line string) string {
	if part := runtimeLine.FindStringSubmatch(line); part != nil {
		line = part[1]
		if !json.Valid([]byte(line)) {
			return "an error that is not JSON"
		}
		return controls(line)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(line), &fields) != nil {
		return "not JSON"
	}
	if _, isMetric := fields["_aws"]; isMetric {
		return wrongMetric(line, fields)
	}
	var msg string
	if json.Unmarshal(fields["msg"], &msg) != nil && json.Unmarshal(fields["message"], &msg) != nil || !message.MatchString(msg) {
		return fmt.Sprintf("message %q", msg)
	}
	for name := range fields {
		if !attribute.MatchString(name) {
			return fmt.Sprintf("attribute %q", name)
		}
	}
	return controls(line)
}

// controls finds characters that a viewer may act on: everything but printable text.
func controls(line string) string {
	at := strings.IndexFunc(line, func(r rune) bool {
		return r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 || r == '\u2028' || r == '\u2029'
	})
	if at >= 0 {
		return fmt.Sprintf("control character at %d", at)
	}
	return ""
}

func wrongMetric(line string, fields map[string]json.RawMessage) string {
	var m metricLine
	if json.Unmarshal([]byte(line), &m) != nil || len(m.AWS.CloudWatchMetrics) != 1 ||
		!slices.Contains([]string{"Gatehouse", "Subscribers"}, m.AWS.CloudWatchMetrics[0].Namespace) { // ours, and the example's
		return "a metric of another namespace"
	}
	names := []string{"_aws", "level"}
	for _, d := range m.AWS.CloudWatchMetrics[0].Dimensions {
		for _, name := range d {
			var value string
			if names = append(names, name); json.Unmarshal(fields[name], &value) != nil || !dimensionValue.MatchString(value) {
				return fmt.Sprintf("dimension %s is %q", name, value)
			}
		}
	}
	for _, metric := range m.AWS.CloudWatchMetrics[0].Metrics {
		if names = append(names, metric.Name); !metricName.MatchString(metric.Name) || strings.Contains(metric.Name, "orged") {
			return fmt.Sprintf("metric %q", metric.Name)
		}
	}
	for name := range fields {
		if !slices.Contains(names, name) {
			return fmt.Sprintf("field %q", name)
		}
	}
	return controls(line)
}

// seeds are the forged payloads that are made of each payload.
const seeds = 16

// nothingForgesLines: whatever a function gets, each line of its log is one of its own
// messages or metrics.
func nothingForgesLines(t *testing.T, functions map[string]string) {
	t.Helper()
	var running sync.WaitGroup
	for function, binary := range functions {
		for _, mode := range []string{succeeds, refuses} {
			running.Go(func() {
				out := &sinks{}
				aws := newCloud(t, out, &marks{}, mode)
				p := start(t, binary, environment(aws.server.URL), out)
				for _, base := range payloads(aws.server.URL)[function] {
					for seed := range uint64(seeds) {
						event := forged(base, seed)
						if strings.HasPrefix(base, `{"specversion"`) {
							event = []byte(batch("arn:aws:sqs:eu-central-1:111122223333:q", string(event)))
						}
						p.invoke(t, event)
					}
				}
				p.stop()
				for line := range strings.Lines(out.of("stdout").String() + out.of("stderr").String()) {
					if problem := wrong(strings.TrimSuffix(line, "\n")); problem != "" {
						t.Errorf("%s: %s: %.300q", function, problem, line)
					}
				}
			})
		}
	}
	running.Wait()
}

func TestForgedLinesAreFound(t *testing.T) {
	t.Parallel()
	const metric = `{"Environment":"dev","SignInsAttempted":1,"_aws":{"CloudWatchMetrics":[{"Dimensions":[["Environment"]],"Metrics":[{"Name":"SignInsAttempted","Unit":"Count"}],"Namespace":"Gatehouse"}],"Timestamp":1},"level":"INFO"}`
	for name, tc := range map[string]struct{ line, want string }{
		"message":      {`{"timestamp":"2026-11-22T09:30:00Z","level":"INFO","message":"refused","code":"x\ny"}`, ""},
		"metric":       {metric, ""},
		"error":        {`2026/11/22 09:30:00 {"errorMessage":"x","errorType":"y"}`, ""},
		"plain":        {"forged", "not JSON"},
		"namespace":    {strings.Replace(metric, "Gatehouse", "Forged", 1), "another namespace"},
		"dimension":    {strings.Replace(metric, `"dev"`, `"d\nv"`, 1), "dimension Environment"},
		"field":        {strings.Replace(metric, `"level"`, `"x"`, 1), "field"},
		"own_message":  {`{"level":"INFO","message":"a\nb"}`, "message"},
		"attribute":    {`{"level":"INFO","message":"a","a\nb":1}`, "attribute"},
		"escape":       {"{\"level\":\"INFO\",\"message\":\"a\",\"code\":\"\u2028\"}", "control character"},
		"own_metric":   {strings.ReplaceAll(metric, "SignInsAttempted", "x"), `metric "x"`},
		"runtime_line": {`2026/11/22 09:30:00 {"errorMessage":"x}`, "not JSON"},
	} {
		if got := wrong(tc.line); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
