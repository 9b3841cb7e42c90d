package simulation

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/publish"
	cognito "gatehouse.example/lambdakit/trigger"
	"gatehouse.example/services/signin-audit/signinaudittest"
	"gatehouse.example/services/signup-guard/signupguardtest"
	"gatehouse.example/services/user-events/usereventstest"
	tool "gatehouse.example/tools/events"
)

const (
	environment = "simulation"
	topicARN    = "arn:aws:sns:eu-central-1:111122223333:user-events"
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
		logs: map[string][]logLine{}, byClaim: map[string]*copied{}, domains: map[string]string{},
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
		q := &queue{universe: u, setting: settings[f], name: f, function: f, messages: map[string]*message{}}
		q.dead = &queue{universe: u, setting: settings[f], name: f + deadSuffix, messages: map[string]*message{}}
		q.maxReceive = cmp.Or(h.receives, q.maxReceive)
		u.queues[f] = q
	}
	return u
}

// build makes the function as its command does, with the clients of the universe.
func (i *instance) build() {
	log, out := i.log(), i.output()
	dead := &consume.DeadLetters{Queue: sqsClient{i.universe, i.function.name}, URL: urlOf(i.function.name) + deadSuffix}
	p := sender(&publish.Publisher{
		Topic: i.bug.topicOf(topic{i.universe, opTopic}), TopicARN: topicARN,
		Outbox: i.bug.outboxOf(sqsClient{i.universe, trigger}), OutboxURL: urlOf(drain),
		Environment: environment, Log: log, Out: out, Now: i.clock,
	})
	p = i.bug.senderOf(former{p})
	switch i.function.name {
	case presignup:
		f, err := signupguardtest.PreSignUp(p, log)
		if err != nil {
			panic(err)
		}
		i.trigger = &cognito.Handler{Run: f, Log: log, Now: i.clock}
	case preauthentication:
		i.trigger = &cognito.Handler{Run: signinaudittest.Attempted(p), Log: log, Now: i.clock}
	case postauthentication:
		i.trigger = &cognito.Handler{Run: signinaudittest.Succeeded(p), Log: log, Now: i.clock}
	case postconfirmation:
		i.trigger = &cognito.Handler{Run: (&usereventstest.Confirmer{Publisher: p}).Run, Log: log, Now: i.clock}
	case drain:
		i.consumer = (&usereventstest.Drain{
			Topic: i.bug.batchesOf(topic{i.universe, opDrain}), TopicARN: topicARN, Environment: environment,
			Dead: dead, Out: out, Log: log, Now: i.clock,
		}).Handle
	case metrics:
		i.consumer = (&usereventstest.Counter{
			Ledger: &usereventstest.Ledger{Table: i.bug.tableOf(ledgerClient{i.universe}), Name: "ledger"},
			Users:  unsimulated{}, Budget: unsimulated{},
			Environment: environment, Dead: dead, Out: out, Log: log, Now: i.clock,
		}).Handle
	case recorder:
		i.consumer = (&signinaudittest.Recorder{
			Store:       &signinaudittest.Table{Client: i.bug.tableOf(auditClient{i.universe}), Name: "audit"},
			Environment: environment, Dead: dead, Retention: retention, Log: log, Out: out, Now: i.clock,
		}).Handle
	case bridge:
		i.consumer = (&usereventstest.Bridge{
			Bus: i.bug.busOf(busClient{i.universe}), BusName: "bus", Environment: environment, Dead: dead, Out: out, Log: log, Now: i.clock,
		}).Handle
	case addressChanged:
		guard, err := signupguardtest.Guard(log)
		if err != nil {
			panic(err)
		}
		i.consumer = (&signupguardtest.AddressChanged{
			Pool: i.bug.usersOf(directory{i.universe}), Judge: guard, Publisher: p, Environment: environment, Dead: dead, Out: out, Log: log, Now: i.clock,
		}).Handle
	}
	i.consumer = i.bug.consumerOf(i.function.name, i.consumer)
}

// former is version 0.1 of the function, for the calls that it answers: derived ids
// depended on the pool's ARN (docs/adr/0027).
type former struct{ sender }

func (f former) Publish(ctx context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	if call := invocationOf(ctx).call; call != nil && call.act.former && call.nth%2 == 1 {
		for i, ev := range evs {
			switch ev.Type() {
			case contracts.TypeUserCreated:
				evs[i].SetID(formerID(ev.Source(), ev.Subject()))
			case contracts.TypeSigninSucceeded:
				evs[i].SetID(formerID(ev.Source()+"#first-sign-in", ev.Subject()))
			}
		}
	}
	return f.sender.Publish(ctx, evs...)
}

func formerID(of, sub string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(of+"#"+sub)).String()
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
			does := u.person
			if a.kind.isChange() {
				does = u.changed
			}
			time.AfterFunc(at, func() { does(a, n+1) })
		}
	}
	for _, v := range u.visits {
		end = max(end, v.at+commandTimeout)
		time.AfterFunc(v.at, func() { u.visited(v.recover) })
	}
	for i, at := range u.poisons {
		time.AfterFunc(at, func() { u.accept(u.copyOf(fmt.Sprintf("{not an event %d", i), nil)) })
	}
	for _, o := range u.outages {
		end = max(end, o.to)
	}
	<-time.After(end + replaceAfter)
	for range 5 * 24 {
		recovered := u.visited(true)
		if replayed := u.visited(false); recovered && replayed {
			break
		}
		<-time.After(time.Hour)
	}
	for range 5 * 24 {
		if u.quiet() {
			return
		}
		<-time.After(time.Hour)
		u.visited(false)
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
		for _, m := range u.queues[f].dead.messages {
			if !m.event.poison {
				left++
			}
		}
	}
	return left == 0
}

// commandTimeout is how long an operator waits for a command before stopping it.
const commandTimeout = 10 * time.Minute

// visited is an operator, who runs `gatehouse events recover` for all logs or `gatehouse
// events dead replay` for each dead-letter queue. It reports whether that succeeded; if
// not, the operator comes again.
func (u *universe) visited(recover bool) bool {
	inv := &invocation{
		instance: &instance{universe: u, function: &function{name: operator}}, ended: make(chan struct{}),
	}
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), invocationKey{}, inv), commandTimeout)
	defer cancel()
	u.note("the operator: recover %v", recover)
	client, ok, left := sqsClient{u, operator}, false, make(chan struct{})
	go func() { // that ends where the tool does
		defer close(left)
		if recover {
			r := tool.Recoverer{
				Environment: environment, Logs: logsClient{u}, Outbox: client, OutboxURL: urlOf(drain),
				Ledger: &tool.Ledger{Table: operatorsLedger{u}, Name: "ledger", Now: time.Now}, Metrics: alarmClient{u}, Out: io.Discard, Now: time.Now,
			}
			ok = r.Recover(ctx, tool.RecoverOptions{}) == nil
			return
		}
		ok = true
		for _, f := range consumers {
			err := tool.Replay(ctx, client, urlOf(f)+deadSuffix, urlOf(f), io.Discard)
			ok = ok && (err == nil || u.onlyPoison(f))
		}
	}()
	<-left
	return ok
}

// onlyPoison reports whether only what is not an event is left in a dead-letter queue.
func (u *universe) onlyPoison(function string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, m := range u.queues[function].dead.messages {
		if !m.event.poison {
			return false
		}
	}
	return true
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
	var returned, err error
	inv, finished := u.invoke(a.kind.function, call, func(ctx context.Context, inst *instance) {
		answer, returned = inst.trigger.Invoke(ctx, payload)
	})
	if finished { // otherwise the function is still running, or its process ended
		err = returned
		inv.pause()
	}
	inv.mu.Lock()
	crashed := inv.crashed
	inv.mu.Unlock()
	u.note("%s answers Cognito for act %d, call %d: returned %v, error %v", a.kind.function, a.number, nth, finished, err)
	u.mu.Lock()
	defer u.mu.Unlock()
	call.took, call.froze, call.finished, call.crashed, call.err = u.now()-began, inv.froze, finished, crashed, err
	call.changed = finished && err == nil && string(answer) != string(payload)
}

func payloadOf(a act) []byte {
	attributes := map[string]string{"email": "person@" + domainOf(a.kind)}
	if a.kind.function != presignup {
		attributes["sub"] = subOf(a.user)
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
