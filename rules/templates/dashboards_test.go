package templates

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// board is the body of a dashboard, as far as this rule reads it.
type board struct {
	Widgets []struct {
		X, Y, Width, Height int
		Properties          struct {
			Title   string
			Metrics [][]any
		}
	}
}

// search is the one form of SEARCH in the dashboards: dimensions, names, environment.
var search = regexp.MustCompile(`^SEARCH\('\{Gatehouse,([A-Za-z,]+)\} MetricName=\(?((?:"\w+"(?: OR )?)+)\)? Environment="\$\{Environment\}"', '\w+', \d+\)$`)

// secondDimensions are the dimensions in addition to Environment that the code writes, with
// the metrics that have them. The end-to-end test looks for the data of each.
func secondDimensions() map[string][]string {
	return map[string][]string{
		"ClientId": {"ClientTokensIssued", "SignInsAttempted", "SignInsSucceeded"},
		"Consumer": {"EventsDead", "EventsRetried", "RecordsForeign", "RecordsIgnored", "RecordsUnattributed", "RecordsUnknown"},
		"Reason":   {"AppEventsRefused", "SignInsFailed", "SignUpsRejected"},
		"Rule":     {"Findings"},
	}
}

// byAWS are the metrics that AWS writes, by namespace, with the names of their dimensions
// (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html,
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html,
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html).
func byAWS() map[string]struct{ metrics, dimensions []string } {
	return map[string]struct{ metrics, dimensions []string }{
		"AWS/Lambda":     {[]string{"Duration", "Errors", "Invocations", "Throttles"}, []string{"FunctionName"}},
		"AWS/SQS":        {[]string{"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"}, []string{"QueueName"}},
		"AWS/ApiGateway": {[]string{"4XXError", "5XXError", "Count", "IntegrationLatency", "Latency"}, []string{"ApiName", "Stage"}},
	}
}

// drawnElsewhere are the services without a dashboard, and where their metrics are.
func drawnElsewhere() map[string]string {
	return map[string]string{
		"services/messages":     "services/user-events, next to the trigger of sign-ups",
		"services/migration":    "services/user-events, next to the trigger of sign-ups",
		"services/passwordless": "services/user-events, next to the trigger of sign-ups",
		"services/signup-guard": "services/user-events, where sign-ups begin the overview",
	}
}

// dashboards: CloudWatch draws an empty graph for a metric that nobody writes, and no linter
// reads the JSON. Each service has a dashboard with each of its functions, and its metrics
// are written: our own by the code, those of AWS for functions, queues and APIs that exist.
func dashboards(code string) repository.Rule {
	return func(all []*template.Template) []string {
		names := named(all)
		var out []string
		drawn := map[string]string{} // by folder
		for _, t := range all {
			for _, r := range t.Resources("AWS::CloudWatch::Dashboard") {
				body := template.Text(r.Prop("DashboardBody"))
				drawn[repository.Dir(t)] += body
				var b board
				if err := json.Unmarshal([]byte(body), &b); err != nil || len(b.Widgets) == 0 {
					out = append(out, fmt.Sprintf("%s: the body is not a dashboard with widgets: %v", r, err))
					continue
				}
				for _, problem := range append(b.overlaps(), b.unwritten(code, names)...) {
					out = append(out, r.String()+": "+problem)
				}
			}
		}
		for _, t := range all {
			dir := repository.Dir(t)
			for _, f := range t.Resources(repository.FunctionType) {
				for _, metric := range byAWS()["AWS/Lambda"].metrics {
					want := `["AWS/Lambda","` + metric + `","FunctionName","` + template.Text(f.Prop("FunctionName")) + `"]`
					if drawnElsewhere()[dir] == "" && !repository.OfAnotherTeam(t) && !strings.Contains(drawn[dir], want) {
						out = append(out, fmt.Sprintf("%s: %s is not on the dashboard of its service", f, metric))
					}
				}
			}
		}
		return out
	}
}

// named are the names of functions, queues, APIs and stages in all templates.
func named(all []*template.Template) map[string][]string {
	out := map[string][]string{}
	for _, t := range all {
		for typ, property := range map[string]string{
			repository.FunctionType: "FunctionName", "AWS::SQS::Queue": "QueueName", "AWS::ApiGateway::RestApi": "Name", "AWS::ApiGateway::Stage": "StageName",
		} {
			dimension := map[string]string{"Name": "ApiName", "StageName": "Stage"}[property]
			if dimension == "" {
				dimension = property
			}
			for _, r := range t.Resources(typ) {
				out[dimension] = append(out[dimension], template.Text(r.Prop(property)))
			}
		}
	}
	return out
}

// overlaps are the widgets that lie on others or beyond the 24 columns.
func (b board) overlaps() []string {
	var out []string
	for i, w := range b.Widgets {
		if w.X+w.Width > 24 {
			out = append(out, w.Properties.Title+" ends beyond the last column")
		}
		for _, o := range b.Widgets[:i] {
			if w.X < o.X+o.Width && o.X < w.X+w.Width && w.Y < o.Y+o.Height && o.Y < w.Y+w.Height {
				out = append(out, w.Properties.Title+" lies on "+o.Properties.Title)
			}
		}
	}
	return out
}

// unwritten are the metrics that nobody writes.
func (b board) unwritten(code string, names map[string][]string) []string {
	var out []string
	for _, w := range b.Widgets {
		if len(w.Properties.Metrics) == 0 {
			out = append(out, w.Properties.Title+" draws nothing")
		}
		ids := map[string]bool{}
		for _, line := range w.Properties.Metrics {
			parts, options := split(line)
			id, _ := options["id"].(string)
			problem := ""
			if expression, ok := options["expression"].(string); ok {
				problem = calculated(expression, ids, code)
			} else {
				problem = series(parts, code, names)
			}
			ids[id] = true
			if problem != "" {
				out = append(out, w.Properties.Title+": "+problem)
			}
		}
	}
	return out
}

// split separates the texts of a metric from its options.
func split(line []any) (parts []string, options map[string]any) {
	for _, part := range line {
		switch part := part.(type) {
		case string:
			parts = append(parts, part)
		case map[string]any:
			options = part
		}
	}
	return parts, options
}

// calculated is what is wrong with an expression: a search, or a difference of two lines.
func calculated(expression string, ids map[string]bool, code string) string {
	if a, b, ok := strings.Cut(expression, " - "); ok {
		if !ids[a] || !ids[b] {
			return expression + " names a line that is not above it"
		}
		return ""
	}
	m := search.FindStringSubmatch(expression)
	if m == nil {
		return "an expression that this rule cannot read: " + expression
	}
	for _, name := range regexp.MustCompile(`\w+`).FindAllString(strings.ReplaceAll(m[2], " OR ", " "), -1) {
		second := slices.DeleteFunc(strings.Split(m[1], ","), func(d string) bool { return d == "Environment" })
		if !strings.Contains(code, `"`+name+`"`) {
			return "nothing writes " + name
		}
		if len(second) != 1 || !slices.IsSorted(strings.Split(m[1], ",")) || !slices.Contains(secondDimensions()[second[0]], name) {
			return fmt.Sprintf("%s does not have the dimensions %s", name, m[1])
		}
	}
	return ""
}

// series is what is wrong with one metric.
func series(parts []string, code string, names map[string][]string) string {
	if len(parts) < 4 {
		return fmt.Sprintf("%q is not a metric with a dimension", parts)
	}
	namespace, name, dims := parts[0], parts[1], parts[2:]
	if namespace == "Gatehouse" {
		switch {
		case !strings.Contains(code, `"`+name+`"`):
			return "nothing writes " + name
		case !slices.Equal(dims, []string{"Environment", "${Environment}"}):
			return fmt.Sprintf("%s is drawn with the dimensions %q", name, dims)
		}
		return ""
	}
	known, ok := byAWS()[namespace]
	if !ok || !slices.Contains(known.metrics, name) || len(dims) != 2*len(known.dimensions) {
		return fmt.Sprintf("%s %s with %q is not among the metrics of AWS that this rule knows", namespace, name, dims)
	}
	for i, dimension := range known.dimensions {
		if dims[2*i] != dimension || !slices.Contains(names[dimension], dims[2*i+1]) {
			return fmt.Sprintf("%s: no template has the %s %s", name, dimension, dims[2*i+1])
		}
	}
	return ""
}

func TestDashboards(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, file := range repository.Files(t, ".go") {
		if short := repository.Short(file); !strings.HasSuffix(short, "_test.go") && (strings.HasPrefix(short, "services/") || strings.HasPrefix(short, "lambdakit/")) {
			code.WriteString(repository.Read(t, file))
		}
	}
	all := repository.Templates(t)
	repository.Report(t, dashboards(code.String())(all))
	for dir := range drawnElsewhere() {
		if !slices.ContainsFunc(all, func(one *template.Template) bool { return path.Dir(one.Path) == dir }) {
			t.Errorf("there is no %s", dir)
		}
	}
}

func TestDashboardsPlanted(t *testing.T) {
	t.Parallel()
	const text = `Resources:
  F: {Type: AWS::Serverless::Function, Properties: {FunctionName: f}}
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}
  D:
    Type: AWS::CloudWatch::Dashboard
    Properties:
      DashboardBody: !Sub |
        {"widgets":[
          {"x":0,"y":0,"width":12,"height":6,"properties":{"title":"Own","metrics":[
            ["Gatehouse","Tries","Environment","${Environment}",{"id":"a"}],["Gatehouse","Wins","Environment","${Environment}",{"id":"b"}],[{"expression":"a - b"}]]}},
          {"x":12,"y":0,"width":12,"height":6,"properties":{"title":"By rule","metrics":[
            [{"expression":"SEARCH('{Gatehouse,Environment,Rule} MetricName=\"Findings\" Environment=\"${Environment}\"', 'Sum', 60)"}]]}},
          {"x":0,"y":6,"width":24,"height":6,"properties":{"title":"AWS","metrics":[["AWS/SQS","ApproximateNumberOfMessagesVisible","QueueName","q"],
            ["AWS/Lambda","Invocations","FunctionName","f"],["AWS/Lambda","Errors","FunctionName","f"],["AWS/Lambda","Throttles","FunctionName","f"],["AWS/Lambda","Duration","FunctionName","f"]]}}]}
`
	for name, tc := range map[string]repository.Planted{
		"as_it_is":         {"", "", ""},
		"not_json":         {`{"widgets":[`, `{"widgets":`, "not a dashboard"},
		"not_written":      {`"Wins"`, `"Losses"`, "nothing writes Losses"},
		"other_dimension":  {`"Tries","Environment","${Environment}"`, `"Tries","Reason","x"`, "Tries is drawn with the dimensions"},
		"no_dimension":     {`"Tries","Environment","${Environment}"`, `"Tries"`, "not a metric with a dimension"},
		"no_such_line":     {"a - b", "a - c", "names a line"},
		"unread":           {"a - b", "a / b", "cannot read"},
		"search_of_none":   {`\"Findings\"`, `\"Lost\"`, "nothing writes Lost"},
		"search_dimension": {"{Gatehouse,Environment,Rule}", "{Gatehouse,Environment,Reason}", "Findings does not have the dimensions"},
		"search_order":     {"{Gatehouse,Environment,Rule}", "{Gatehouse,Rule,Environment}", "Findings does not have the dimensions"},
		"no_such_queue":    {`"QueueName","q"`, `"QueueName","r"`, "no template has the QueueName r"},
		"no_such_metric":   {`"ApproximateNumberOfMessagesVisible"`, `"Messages"`, "not among the metrics of AWS"},
		"no_such_space":    {`"AWS/SQS"`, `"AWS/SNS"`, "not among the metrics of AWS"},
		"function_missing": {`,["AWS/Lambda","Throttles","FunctionName","f"]`, "", "F: Throttles is not on the dashboard"},
		"on_another":       {`"x":12,"y":0`, `"x":11,"y":0`, "By rule lies on Own"},
		"too_wide":         {`"x":12,"y":0`, `"x":13,"y":0`, "ends beyond"},
		"empty":            {`"metrics":[["AWS/SQS"`, `"metrics":[]}},{"x":0,"y":12,"width":1,"height":1,"properties":{"title":"B","metrics":[["AWS/SQS"`, "AWS draws nothing"},
	} {
		broken := strings.Replace(text, tc[0], tc[1], 1)
		if broken == text && tc[0] != "" {
			t.Errorf("%s: nothing to plant the error in", name)
		}
		found := dashboards(`"Tries" "Wins" "Findings"`)([]*template.Template{repository.MustParse(t, "services/good/template.yaml", broken)})
		if got := strings.Join(found, "\n"); (got == "") != (tc[2] == "") || !strings.Contains(got, tc[2]) {
			t.Errorf("%s: findings %q, want one with %q", name, got, tc[2])
		}
	}
}
