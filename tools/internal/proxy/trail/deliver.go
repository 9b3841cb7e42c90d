package trail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse.example/tools/internal/proxy/upstream"
)

const (
	eventsTarget = "AWSEvents."
	eventBridge  = "events.amazonaws.com"
	// ruleTTL is how long rules, their targets and the targets' policies are used. A stack
	// update changes them, and EventBridge takes longer.
	ruleTTL = time.Second
)

// The states of rules that get records. The second one gets those of reading calls, too:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
const (
	stateEnabled = "ENABLED"
	stateAll     = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
)

// bus is the default bus.
type bus struct {
	up *upstream.Client

	mu      sync.Mutex
	rules   held[[]rule]
	targets map[string]held[[]target] // by rule
	reach   map[string]held[string]   // by the ARN of a target: a function's policy, a queue's URL
}

// held is a value that is used until its time has passed.
type held[T any] struct {
	value T
	until time.Time
}

func (h *held[T]) get(read func() (T, error)) (T, error) {
	if time.Now().Before(h.until) {
		return h.value, nil
	}
	value, err := read()
	if err == nil {
		*h = held[T]{value, time.Now().Add(ruleTTL)}
	}
	return value, err
}

type rule struct {
	Name         string
	ARN          string `json:"Arn"`
	State        string
	EventPattern string
}

type target struct {
	ID  string `json:"Id"`
	ARN string `json:"Arn"`
	// Any of these changes what the target gets; the proxy supports none of them.
	Input, InputPath string
	InputTransformer map[string]any
	// DeadLetterConfig names the queue of what the target does not take.
	DeadLetterConfig struct {
		ARN string `json:"Arn"`
	}
}

// may reports whether the rule could match a record. It reads only lists of texts, which a
// pattern compares as they are, and leaves everything else to the emulator.
func (r rule) may(one record) bool {
	if r.EventPattern == "" || r.State != stateAll && (r.State != stateEnabled || one.readOnly()) {
		return false
	}
	var pattern map[string]json.RawMessage
	if json.Unmarshal([]byte(r.EventPattern), &pattern) != nil {
		return true
	}
	if !couldBe(pattern["source"], one.Source) || !couldBe(pattern["detail-type"], one.DetailType) {
		return false
	}
	var detail map[string]json.RawMessage
	return json.Unmarshal(pattern["detail"], &detail) != nil || couldBe(detail["eventName"], one.name())
}

// couldBe reports whether a part of a pattern allows the text. Only a list of nothing but
// texts can rule it out.
func couldBe(part json.RawMessage, text string) bool {
	var allowed []string
	return json.Unmarshal(part, &allowed) != nil || slices.Contains(allowed, text)
}

// candidates are the rules that could match the record.
func (b *bus) candidates(ctx context.Context, one record) ([]rule, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all, err := b.rules.get(func() (all []rule, err error) {
		type page struct {
			Rules     []rule
			NextToken string
		}
		err = upstream.Pages(ctx, b.up, "events", eventsTarget+"ListRules", map[string]any{}, func(out page) (string, error) {
			all = append(all, out.Rules...)
			return out.NextToken, nil
		})
		return all, err
	})
	return slices.DeleteFunc(slices.Clone(all), func(r rule) bool { return !r.may(one) }), err
}

// deliver sends the record to every target of every rule that matches. If one fails, the
// others get it all the same.
func (b *bus) deliver(ctx context.Context, one record) error {
	rules, err := b.candidates(ctx, one)
	if err != nil || len(rules) == 0 {
		return err
	}
	event, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	var failures []error
	for _, r := range rules {
		failures = append(failures, b.offer(ctx, r, event))
	}
	return errors.Join(failures...)
}

// offer lets the emulator match the rule's pattern, so that the proxy needs no
// interpretation of patterns of its own.
func (b *bus) offer(ctx context.Context, r rule, event []byte) error {
	var match struct{ Result bool }
	in := map[string]any{"EventPattern": r.EventPattern, "Event": string(event)}
	if err := b.up.JSON(ctx, "events", eventsTarget+"TestEventPattern", in, &match); err != nil || !match.Result {
		return err
	}
	targets, err := b.targetsOf(ctx, r)
	failures := []error{err}
	for _, to := range targets {
		failed := b.send(ctx, r, to, event)
		if failed == nil {
			continue
		}
		failures = append(failures, fmt.Errorf("rule %s, target %s: %w", r.Name, to.ID, failed))
		if dead := to.DeadLetterConfig.ARN; dead != "" {
			failures = append(failures, b.toQueue(ctx, r, dead, event, deadLetter(r, to, failed)))
		}
	}
	return errors.Join(failures...)
}

func (b *bus) targetsOf(ctx context.Context, r rule) ([]target, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.targets[r.Name]
	all, err := known.get(func() ([]target, error) {
		var out struct{ Targets []target }
		err := b.up.JSON(ctx, "events", eventsTarget+"ListTargetsByRule", map[string]any{"Rule": r.Name}, &out)
		return out.Targets, err
	})
	if b.targets == nil {
		b.targets = map[string]held[[]target]{}
	}
	b.targets[r.Name] = known
	return all, err
}

// send gives the event to a target as EventBridge does, only if its policy allows this rule.
func (b *bus) send(ctx context.Context, r rule, to target, event []byte) error {
	queue := strings.HasPrefix(to.ARN, "arn:aws:sqs:")
	if !queue && !strings.Contains(to.ARN, ":lambda:") || to.Input+to.InputPath != "" || len(to.InputTransformer) > 0 {
		return errors.New("the proxy delivers records to functions and queues only, and whole")
	}
	if queue {
		return b.toQueue(ctx, r, to.ARN, event, nil)
	}
	policy, err := b.found(to.ARN, func() (string, error) { return b.up.FunctionPolicy(ctx, to.ARN) })
	if err != nil {
		return err
	}
	if !upstream.MayInvoke(policy, eventBridge, to.ARN, r.ARN) {
		return errNotAllowed
	}
	return b.invoke(ctx, to.ARN, event)
}

var errNotAllowed = errors.New("the target's policy does not allow the rule")

// found is what a target is reached with.
func (b *bus) found(arn string, read func() (string, error)) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.reach[arn]
	value, err := known.get(read)
	if b.reach == nil {
		b.reach = map[string]held[string]{}
	}
	b.reach[arn] = known
	return value, err
}

const queuesTarget = "AmazonSQS."

// toQueue sends as EventBridge: services.py has the queue's policy judge the rule and not
// the root key.
func (b *bus) toQueue(ctx context.Context, r rule, arn string, event []byte, attributes map[string]any) error {
	url, err := b.found(arn, func() (string, error) {
		var at struct {
			URL string `json:"QueueUrl"`
		}
		err := b.up.JSON(ctx, "sqs", queuesTarget+"GetQueueUrl", map[string]any{"QueueName": arn[strings.LastIndexByte(arn, ':')+1:]}, &at)
		return at.URL, err
	})
	if err != nil {
		return err
	}
	message := map[string]any{"QueueUrl": url, "MessageBody": string(event)}
	if attributes != nil {
		message["MessageAttributes"] = attributes
	}
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, upstream.Timeout)
	defer cancel()
	header := http.Header{
		"X-Amz-Target": {queuesTarget + "SendMessage"}, "Content-Type": {"application/x-amz-json-1.0"},
		serviceHeader: {eventBridge + " " + r.ARN},
	}
	res, err := b.up.Send(ctx, "sqs", http.MethodPost, "/", header, body)
	switch {
	case err != nil:
		return fmt.Errorf("sqs.SendMessage: %w", err)
	case res.Status == http.StatusOK:
		return nil
	case strings.HasPrefix(res.Err().Code, "AccessDenied"):
		return errNotAllowed
	}
	return fmt.Errorf("sqs.SendMessage: %w", res.Err())
}

// serviceHeader says which service the proxy stands for, and for which resource.
const serviceHeader = "X-Gatehouse-Service"

// deadLetter are the attributes of a message in a dead-letter queue. What a target does not
// allow is not tried again
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html).
func deadLetter(r rule, to target, failed error) map[string]any {
	code := "SDK_CLIENT_ERROR"
	if errors.Is(failed, errNotAllowed) {
		code = "NO_PERMISSIONS"
	}
	out := map[string]any{}
	for name, value := range map[string]string{"RULE_ARN": r.ARN, "TARGET_ARN": to.ARN, "ERROR_CODE": code, "ERROR_MESSAGE": failed.Error()} {
		out[name] = map[string]string{"DataType": "String", "StringValue": value}
	}
	return out
}

// invoke calls a function as EventBridge does: without waiting for it.
func (b *bus) invoke(ctx context.Context, arn string, event []byte) error {
	ctx, cancel := context.WithTimeout(ctx, upstream.Timeout)
	defer cancel()
	res, err := b.up.Invoke(ctx, arn, "Event", "", event)
	if err != nil {
		return fmt.Errorf("lambda.Invoke: %w", err)
	}
	if res.Status != http.StatusAccepted {
		return fmt.Errorf("lambda.Invoke: %w", res.Err())
	}
	return nil
}
