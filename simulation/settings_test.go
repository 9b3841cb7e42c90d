package simulation

import (
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"time"

	"gatehouse.example/tools/template"
)

// The functions, as their commands are named.
const (
	presignup          = "presignup"
	preauthentication  = "preauthentication"
	postauthentication = "postauthentication"
	postconfirmation   = "postconfirmation"
	drain              = "drain"
	metrics            = "metrics"
	recorder           = "recorder"
	bridge             = "bridge"
	addressChanged     = "address-changed"
)

// Callers of services that are not one function: whoever publishes, which is any trigger or
// the function that looks at changed addresses, and a person.
const (
	trigger  = "trigger"
	operator = "operator"
)

// consumers read a queue: the drain reads the outbox, the others the topic's queues.
var consumers = []string{drain, metrics, recorder, bridge, addressChanged}

var functions = append([]string{presignup, preauthentication, postauthentication, postconfirmation}, consumers...)

// setting is what the templates say about a function and its queue.
type setting struct {
	timeout, visibility, retention time.Duration
	batch, concurrency, maxReceive int
}

// readSettings reads the settings of all functions from the services' templates.
func readSettings() (map[string]setting, error) {
	out := map[string]setting{}
	for _, service := range []string{"signin-audit", "signup-guard", "user-events"} {
		folder := filepath.Join("..", "services", service)
		t, err := template.ReadFile(filepath.Join(folder, "template.yaml"))
		if err != nil {
			return nil, fmt.Errorf("template.ReadFile: %w", err)
		}
		queues, err := queuesOf(t, folder)
		if err != nil {
			return nil, err
		}
		for _, f := range t.Resources("AWS::Serverless::Function") {
			name := path.Base(template.Text(f.Prop("CodeUri")))
			timeout := f.Prop("Timeout")
			if timeout == nil {
				timeout = template.Get(t.Root, "Globals", "Function", "Timeout")
			}
			s := setting{timeout: time.Duration(number(template.Text(timeout))) * time.Second}
			for _, m := range t.Resources("AWS::Lambda::EventSourceMapping") {
				if template.Text(m.Prop("FunctionName")) == "ref:"+f.ID+".Alias" {
					s = s.reading(queues, m)
				}
			}
			out[name] = s
		}
	}
	for _, f := range functions {
		if out[f].timeout == 0 {
			return nil, fmt.Errorf("no template has a function %s with a timeout", f)
		}
	}
	for _, f := range consumers {
		if s := out[f]; s.visibility == 0 || s.retention == 0 || s.batch == 0 || s.concurrency == 0 || s.maxReceive == 0 {
			return nil, fmt.Errorf("the template says too little about the queue of %s: %+v", f, s)
		}
	}
	return out, nil
}

// queuesOf are the queues of a template, by what a mapping in it calls them: those of a nested
// template by the outputs that have their ARNs.
func queuesOf(t *template.Template, folder string) (map[string]template.Resource, error) {
	out := map[string]template.Resource{}
	for _, q := range t.Resources("AWS::SQS::Queue") {
		out["att:"+q.ID+".Arn"] = q
	}
	for _, stack := range t.Resources("AWS::CloudFormation::Stack") {
		nested, err := template.ReadFile(filepath.Join(folder, template.Text(stack.Prop("TemplateURL"))))
		if err != nil {
			return nil, fmt.Errorf("template.ReadFile: %w", err)
		}
		for output, value := range template.Pairs(template.Get(nested.Root, "Outputs")) {
			for _, q := range nested.Resources("AWS::SQS::Queue") {
				if template.Text(template.Get(value, "Value")) == "att:"+q.ID+".Arn" {
					out["att:"+stack.ID+".Outputs."+output.Value] = q
				}
			}
		}
	}
	return out, nil
}

// reading adds the settings of an event source mapping and of its queue.
func (s setting) reading(queues map[string]template.Resource, m template.Resource) setting {
	s.batch, s.concurrency = number(template.Text(m.Prop("BatchSize"))), number(template.Text(m.Prop("ScalingConfig", "MaximumConcurrency")))
	if q, found := queues[template.Text(m.Prop("EventSourceArn"))]; found {
		s.visibility = time.Duration(number(template.Text(q.Prop("VisibilityTimeout")))) * time.Second
		s.retention = time.Duration(number(template.Text(q.Prop("MessageRetentionPeriod")))) * time.Second
		s.maxReceive = number(template.Text(q.Prop("RedrivePolicy", "maxReceiveCount")))
	}
	return s
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
