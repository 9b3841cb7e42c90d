package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
	"gatehouse.example/services/signin-audit/signinaudittest"
	"gatehouse.example/services/signup-guard/signupguardtest"
	"gatehouse.example/services/user-events/usereventstest"
	operator "gatehouse.example/tools/events"
)

const (
	environment = "simulation"
	topicARN    = "arn:aws:sns:eu-central-1:111122223333:user-events"
	outboxURL   = "https://sqs.eu-central-1.amazonaws.com/111122223333/outbox"
	pool        = "eu-central-1_Example01"
	retention   = 400 * 24 * time.Hour
)

// sender is what the triggers need of lambdakit/publish.
type sender interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// run plays a history and returns the invariants that it broke.
func run(t *testing.T, h history, settings map[string]setting, b bug) []violation {
	broken, _ := traced(t, h, settings, b, false)
	return broken
}

// traced also returns what happened, if it is asked to.
func traced(t *testing.T, h history, settings map[string]setting, b bug, trace bool) (broken []violation, happened []string) {
	synctest.Test(t, func(*testing.T) {
		u := newUniverse(h, settings, b)
		u.tracing = trace
		u.play()
		u.check()
		broken, happened = u.broken, u.trace
	})
	return broken, happened
}

func newUniverse(h history, settings map[string]setting, b bug) *universe {
	u := &universe{
		history: h, settings: settings, bug: b, began: time.Now(),
		planned: map[step]fault{}, nth: map[step]nth{}, copies: map[string]*copied{}, byTime: map[string]*copied{},
		functions: map[string]*function{}, queues: map[string]*queue{}, bus: map[string]int{},
		logs: map[string][]logLine{}, byClaim: map[string]*copied{},
		ledger: &table{keys: []string{"event"}, items: map[string]item{}},
		audit:  &table{keys: []string{"pk", "sk"}, items: map[string]item{}},
	}
	for _, f := range h.faults {
		u.planned[f.step] = f
	}
	for _, f := range functions {
		u.functions[f] = &function{name: f, setting: settings[f]}
	}
	for _, f := range consumers {
		u.queues[f] = &queue{universe: u, setting: settings[f], function: f, messages: map[string]*message{}}
	}
	return u
}

// build makes the function as its command does, with the clients of the universe.
func (i *instance) build() {
	log, out := i.log(), i.output()
	p := sender(&publish.Publisher{
		Topic: i.bug.topicOf(topic{i.universe, opTopic}), TopicARN: topicARN,
		Outbox: i.bug.outboxOf(outbox{i.universe, opOutbox}), OutboxURL: outboxURL,
		Environment: environment, Log: log, Out: out, Now: i.clock,
	})
	p = i.bug.senderOf(former{p})
	switch i.function.name {
	case presignup:
		f, err := signupguardtest.PreSignUp(p, log)
		if err != nil {
			panic(err)
		}
		i.trigger = &trigger.Handler{Run: f, Log: log, Now: i.clock}
	case preauthentication:
		i.trigger = &trigger.Handler{Run: signinaudittest.Attempted(p), Log: log, Now: i.clock}
	case postauthentication:
		i.trigger = &trigger.Handler{Run: signinaudittest.Succeeded(p), Log: log, Now: i.clock}
	case postconfirmation:
		i.trigger = &trigger.Handler{Run: (&usereventstest.Confirmer{Publisher: p}).Run, Log: log, Now: i.clock}
	case drain:
		i.consumer = (&usereventstest.Drain{
			Topic: i.bug.topicOf(topic{i.universe, opDrain}), TopicARN: topicARN, Environment: environment, Out: out, Log: log, Now: i.clock,
		}).Handle
	case metrics:
		i.consumer = (&usereventstest.Counter{
			Ledger:      &usereventstest.Ledger{Table: i.bug.tableOf(ledgerClient{i.universe}), Name: "ledger"},
			Environment: environment, Out: out, Log: log, Now: i.clock,
		}).Handle
	case recorder:
		i.consumer = (&signinaudittest.Recorder{
			Store:       &signinaudittest.Table{Client: i.bug.tableOf(auditClient{i.universe}), Name: "audit"},
			Environment: environment, Retention: retention, Log: log, Out: out, Now: i.clock,
		}).Handle
	case bridge:
		i.consumer = (&usereventstest.Bridge{Bus: i.bug.busOf(busClient{i.universe}), BusName: "bus", Log: log}).Handle
	}
	i.consumer = i.bug.consumerOf(i.consumer)
}

// former is version 0.1 of the function, for the acts that it answers: derived ids
// depended on the pool's ARN (docs/adr/0027).
type former struct{ sender }

func (f former) Publish(ctx context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	if call := invocationOf(ctx).call; call.act.former {
		for i, ev := range evs {
			if id, derived := contracts.ClaimID(ev); derived {
				evs[i].SetID(id)
			}
		}
	}
	return f.sender.Publish(ctx, evs...)
}

// personCall is one call of a trigger by Cognito, for which a person waits.
type personCall struct {
	act      act
	nth      int
	took     time.Duration
	froze    time.Duration
	finished bool
	crashed  bool
	err      error
	changed  bool
}

// play lets the history happen, and then waits for the queues to drain.
func (u *universe) play() {
	var end time.Duration
	for _, a := range u.acts {
		at := a.at
		for n := range a.calls {
			at += time.Duration(n) * between(u.random(n, "call", a.kind.does), time.Second, 10*time.Second)
			end = max(end, at)
			time.AfterFunc(at, func() { u.person(a, n+1) })
		}
	}
	for _, v := range u.visits {
		end = max(end, v.at)
		time.AfterFunc(v.at, func() { u.visited(v.recover) })
	}
	for i, at := range u.poisons {
		time.AfterFunc(at, func() { u.accept(u.copyOf(fmt.Sprintf("{not an event %d", i), nil)) })
	}
	for _, o := range u.outages {
		end = max(end, o.to)
	}
	<-time.After(end + replaceAfter)
	u.visited(true)
	for range 5 * 24 {
		u.visited(false)
		if u.quiet() {
			return
		}
		<-time.After(time.Hour)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, f := range consumers {
		u.violate("the queues drain", "%d messages are left in the queue of %s, and %d are on the way", len(u.queues[f].messages), f, u.underway)
	}
}

// quiet reports whether nothing is left to be delivered.
func (u *universe) quiet() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	left := u.underway
	for _, f := range consumers {
		left += len(u.queues[f].messages) + u.queues[f].underway
	}
	return left == 0
}

// visited is an operator: `gatehouse events recover` from all logs, or the dead letters.
func (u *universe) visited(recover bool) {
	u.note("the operator: recover %v", recover)
	if !recover {
		for _, f := range consumers {
			u.queues[f].redrive()
		}
		return
	}
	inv := &invocation{
		instance: &instance{universe: u, function: &function{name: "operator"}}, ended: make(chan struct{}),
	}
	tool := operator.Recoverer{
		Logs: logsClient{u}, Outbox: outbox{u, "operator: sqs.SendMessage"}, OutboxURL: outboxURL, Out: io.Discard,
	}
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), invocationKey{}, inv), time.Minute)
	defer cancel()
	// An error is shown to the operator, who tries again later.
	err := tool.Recover(ctx, "/gatehouse/"+environment+"/", u.began, false)
	u.mu.Lock()
	defer u.mu.Unlock()
	if err != nil && !errors.Is(err, errRefused) && !errors.Is(err, errLost) && ctx.Err() == nil {
		u.violate("undelivered events can be recovered", "%v", err)
	}
}

// person lets Cognito call a trigger.
func (u *universe) person(a act, nth int) {
	call := &personCall{act: a, nth: nth}
	u.mu.Lock()
	u.calls = append(u.calls, call)
	u.mu.Unlock()
	payload := payloadOf(a)
	began := u.now()
	var answer []byte
	inv, finished := u.invoke(a.kind.function, call, func(ctx context.Context, inst *instance) {
		answer, call.err = inst.trigger.Invoke(ctx, payload)
	})
	u.note("%s answers Cognito for act %d, call %d: returned %v, error %v", a.kind.function, a.number, nth, finished, call.err)
	call.took, call.froze, call.finished, call.crashed = u.now()-began, inv.froze, finished, inv.crashed
	if finished {
		call.changed = call.err == nil && string(answer) != string(payload)
		inv.pause()
	}
}

func payloadOf(a act) []byte {
	attributes := map[string]string{"email": "person@example.org"}
	switch {
	case a.kind.refused:
		attributes["email"] = "person@mailinator.com"
	case a.kind.function != presignup:
		attributes["sub"] = fmt.Sprintf("00000000-0000-4000-8000-%012d", a.user)
	}
	if a.kind.federated() {
		attributes["cognito:user_status"] = "EXTERNAL_PROVIDER"
	}
	raw, err := json.Marshal(map[string]any{
		"version": "1", "triggerSource": a.kind.source, "region": "eu-central-1", "userPoolId": pool, "userName": "person",
		"callerContext": map[string]string{"awsSdkVersion": "x", "clientId": "1example23456789"},
		"request":       map[string]any{"userAttributes": attributes}, "response": map[string]any{},
	})
	if err != nil {
		panic(err)
	}
	return raw
}

type consumer = func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)
