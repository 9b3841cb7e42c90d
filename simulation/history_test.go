package simulation

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gatehouse.example/contracts"
)

// history is everything that happens in one run. It is made from a seed, and together
// with the seed it determines the run.
type history struct {
	seed    uint64
	acts    []act
	faults  []fault
	outages []outage
	clocks  []clock
	visits  []visit
	// receives is how often a message is received before it moves to the dead-letter
	// queue; 0 is what the templates say.
	receives int
	// poisons are when something reaches the topic that is not an event.
	poisons []time.Duration
}

// act is something that a person does, for which Cognito calls a trigger. For a change of the
// address it calls none: an event about it reaches the topic, from CloudTrail's record.
type act struct {
	// number identifies the act, also in a shrunk history.
	number int
	at     time.Duration
	kind   kind
	user   int
	// calls is how often Cognito calls the trigger for this act, or how often the event about
	// it reaches the topic.
	calls int
	// former is set if version 0.1 of the function answers every other call.
	former bool
}

// kind is a kind of act.
type kind struct {
	does string
	// function is the trigger; empty for a change of the address.
	function string
	source   string
	// types of the events, without prefix and version.
	types []string
	// refused is set if the address is disposable: at sign-up the person must be turned away,
	// and later a finding is published.
	refused bool
}

var kinds = []kind{
	{"signs up", presignup, "PreSignUp_SignUp", []string{"user.signup.allowed"}, false},
	{"signs up with a disposable address", presignup, "PreSignUp_SignUp", []string{"user.signup.rejected"}, true},
	{"confirms", postconfirmation, "PostConfirmation_ConfirmSignUp", []string{"user.created"}, false},
	{"signs in with another identity provider for the first time", postconfirmation, "PostConfirmation_ConfirmSignUp", []string{"user.created", "user.signin.succeeded"}, false},
	{"sets a new password", postconfirmation, "PostConfirmation_ConfirmForgotPassword", []string{"user.password.reset"}, false},
	{"starts to sign in", preauthentication, "PreAuthentication_Authentication", []string{"user.signin.attempted"}, false},
	{"signs in", postauthentication, "PostAuthentication_Authentication", []string{"user.signin.succeeded"}, false},
	{"changes to a disposable address", "", "", []string{"user.attributes.changed", "security.finding"}, true},
	{"changes to another address", "", "", []string{"user.attributes.changed"}, false},
}

// isChange reports whether the person changes the address.
func (k kind) isChange() bool { return k.function == "" }

// federated reports whether the person comes from another identity provider.
func (k kind) federated() bool { return k.function == postconfirmation && len(k.types) > 1 }

// short is a type without its prefix and version.
func short(typ string) string {
	return strings.TrimSuffix(strings.TrimPrefix(typ, "gatehouse."), ".v1")
}

// name identifies an event in a history: the act's number, the call and the type.
func name(act, call int, typ string) string { return fmt.Sprintf("%d.%d %s", act, call, short(typ)) }

// mode is what goes wrong.
type mode string

const (
	refuse      mode = "refused"
	expire      mode = "refused, because the credentials have expired"
	hang        mode = "not applied, no answer"
	lose        mode = "applied, the answer is an error"
	late        mode = "applied, no answer"
	slow        mode = "applied, the answer takes long"
	freeze      mode = "applied, then the process stands still"
	repeat      mode = "applied, the answer is lost and the SDK repeats the call"
	crashBefore mode = "the process ends before it"
	crashAfter  mode = "the process ends after it"
	double      mode = "delivered twice"
	delay       mode = "delivered late"
)

// step is the n-th time that something is done for an event.
type step struct {
	op    string
	event string
	nth   int
}

// The steps that a fault can hit. SNS delivers to, and SQS is received by, the function
// whose name follows.
const (
	opTopic   = trigger + ": sns.Publish"
	opOutbox  = trigger + ": sqs.SendMessage"
	opResend  = operator + ": sqs.SendMessage"
	opRemove  = operator + ": sqs.DeleteMessage"
	opDrain   = "drain: sns.PublishBatch"
	opClaim   = "recorder: dynamodb.PutItem of the claim"
	opRow     = "recorder: dynamodb.PutItem of the row"
	opLedger  = "metrics: dynamodb.PutItem"
	opBus     = "bridge: events.PutEvents"
	opUsers   = "address-changed: cognito.ListUsers"
	opWrite   = "metrics: write the metrics"
	opDeliver = "SNS delivers to "
	opReceive = "SQS is received by "
	opInvoke  = "Lambda invokes "
	opDelete  = "SQS deletes for "
)

// fault goes wrong at one step.
type fault struct {
	step
	mode mode
	wait time.Duration
}

// outage makes every call of a service go wrong for some time.
type outage struct {
	service  string
	from, to time.Duration
	mode     mode
}

// The services that can have an outage.
const (
	serviceTopic   = "SNS"
	serviceOutbox  = "SQS"
	serviceTable   = "DynamoDB"
	serviceBus     = "EventBridge"
	serviceCognito = "Cognito"
	serviceLambda  = "Lambda"
)

// clock sets the clock of a function's instances.
type clock struct {
	function string
	at       time.Duration
	by       time.Duration
}

// visit is an operator who runs `gatehouse events recover` or `gatehouse events dead replay`.
type visit struct {
	at      time.Duration
	recover bool
}

// generate makes the history of a seed.
func generate(seed uint64) history {
	r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	h := history{seed: seed}
	for i := range 1 + r.IntN(5) {
		k := kinds[r.IntN(len(kinds))]
		a := act{number: i + 1, at: time.Duration(r.Int64N(int64(3 * time.Minute))), kind: k, user: r.IntN(3), calls: 1}
		if r.IntN(3) == 0 {
			a.at = time.Duration(r.Int64N(int64(5 * time.Second))) // shared instances
		}
		for r.IntN(3) == 0 {
			a.calls++
		}
		a.former = k.function == postconfirmation && r.IntN(6) == 0
		h.acts = append(h.acts, a)
	}
	slices.SortFunc(h.acts, func(a, b act) int { return cmp.Compare(a.at, b.at) })
	for range r.IntN(7) {
		h.faults = append(h.faults, newFault(r, h.acts))
	}
	for range max(0, r.IntN(5)-2) {
		h.outages = append(h.outages, newOutage(r, h.acts))
	}
	if r.IntN(6) == 0 { // both ways of a trigger
		o := newOutage(r, h.acts)
		for _, service := range []string{serviceTopic, serviceOutbox} {
			o.service, o.mode = service, pick(r, refuse, hang, hang, late, lose)
			h.outages = append(h.outages, o)
		}
	}
	for range max(0, r.IntN(6)-4) {
		h.clocks = append(h.clocks, clock{
			function: functions[r.IntN(len(functions))], at: time.Duration(r.Int64N(int64(2 * time.Minute))),
			by: time.Duration(r.Int64N(int64(time.Hour))) - 30*time.Minute,
		})
	}
	for range max(0, r.IntN(6)-3) {
		h.visits = append(h.visits, visit{at: time.Duration(r.Int64N(int64(20 * time.Minute))), recover: r.IntN(2) == 0})
	}
	if r.IntN(4) == 0 {
		h.receives = 1 + r.IntN(5)
	}
	for range max(0, r.IntN(8)-6) {
		h.poisons = append(h.poisons, time.Duration(r.Int64N(int64(3*time.Minute))))
	}
	return h
}

// longestFreeze is how long a trigger may stand still. No code can answer in time on a
// machine that does not run.
const longestFreeze = 200 * time.Millisecond

func newFault(r *rand.Rand, acts []act) fault {
	a := acts[r.IntN(len(acts))]
	f := fault{step: step{event: name(a.number, 1+r.IntN(a.calls), a.kind.types[r.IntN(len(a.kind.types))]), nth: 1}}
	for r.IntN(3) == 0 {
		f.nth++
	}
	consumer := consumers[r.IntN(len(consumers))]
	switch r.IntN(10) {
	case 0, 1, 2, 3, 4:
		f.op = pick(r, opTopic, opTopic, opOutbox, opDrain, opClaim, opRow, opLedger, opLedger, opBus, opUsers, opUsers, opResend, opRemove)
		if f.op == opUsers {
			f.event = userName(a.user)
		}
		f.mode = pick(r, refuse, expire, hang, lose, late, slow, freeze, crashBefore, crashAfter)
		inTrigger := f.op == opTopic || f.op == opOutbox
		switch {
		case f.mode == freeze && inTrigger:
			f.wait = time.Duration(r.Int64N(int64(longestFreeze)))
		case f.mode == freeze:
			f.wait = time.Duration(r.Int64N(int64(2 * time.Minute)))
		case r.IntN(4) == 0 && !inTrigger:
			f.mode = repeat // triggers switch the SDK's retries off
		}
	case 5:
		f.op, f.mode = opWrite, pick(r, crashBefore, crashAfter)
	case 6:
		f.op, f.mode, f.wait = opDeliver+pick(r, consumers[1:]...), pick(r, double, delay), long(r)
	case 7:
		f.op, f.mode = opReceive+consumer, double
	case 8:
		f.op, f.mode = opInvoke+consumer, pick(r, refuse, crashBefore, crashAfter)
	case 9:
		f.op, f.mode = opDelete+consumer, lose
	}
	return f
}

// newOutage makes an outage that begins shortly before an act.
func newOutage(r *rand.Rand, acts []act) outage {
	from := max(0, acts[r.IntN(len(acts))].at-time.Duration(r.Int64N(int64(10*time.Second))))
	last := time.Duration(r.Int64N(int64(4 * time.Minute)))
	if r.IntN(10) == 0 {
		last = time.Duration(r.Int64N(int64(2 * time.Hour)))
	}
	o := outage{service: pick(r, serviceTopic, serviceTopic, serviceOutbox, serviceTable, serviceBus, serviceCognito, serviceLambda), from: from, to: from + last}
	o.mode = pick(r, refuse, hang, late, lose, slow)
	if o.service == serviceLambda {
		o.mode = refuse
	}
	return o
}

// long is a delay of seconds to days.
func long(r *rand.Rand) time.Duration {
	most := pick(r, time.Minute, time.Hour, 3*24*time.Hour)
	return time.Duration(r.Int64N(int64(most)))
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// String lists what happens, one line each.
func (h history) String() string {
	var b strings.Builder
	for _, a := range h.acts {
		fmt.Fprintf(&b, "  %-12s act %d: user %d %s", a.at.Round(time.Millisecond), a.number, a.user, a.kind.does)
		switch {
		case a.calls > 1 && a.kind.isChange():
			fmt.Fprintf(&b, "; the topic gets the event %d times", a.calls)
		case a.calls > 1:
			fmt.Fprintf(&b, "; Cognito calls the trigger %d times", a.calls)
		}
		if a.former {
			b.WriteString("; version 0.1 answers the first and every other call")
		}
		b.WriteString("\n")
	}
	for _, o := range h.outages {
		fmt.Fprintf(&b, "  %-12s until %s: every call of %s: %s\n", o.from.Round(time.Millisecond), o.to.Round(time.Millisecond), o.service, o.mode)
	}
	for _, c := range h.clocks {
		fmt.Fprintf(&b, "  %-12s the clock of %s is set by %s\n", c.at.Round(time.Millisecond), c.function, c.by.Round(time.Millisecond))
	}
	for _, v := range h.visits {
		what := "runs gatehouse events dead replay for each dead-letter queue"
		if v.recover {
			what = "runs gatehouse events recover"
		}
		fmt.Fprintf(&b, "  %-12s an operator %s\n", v.at.Round(time.Millisecond), what)
	}
	if h.receives > 0 {
		fmt.Fprintf(&b, "  a message moves to the dead-letter queue after %d receives\n", h.receives)
	}
	for _, p := range h.poisons {
		fmt.Fprintf(&b, "  %-12s something that is not an event is published\n", p.Round(time.Millisecond))
	}
	for _, f := range h.faults {
		fmt.Fprintf(&b, "  event %q, time %d: %s: %s", f.event, f.nth, f.op, f.mode)
		if f.wait > 0 {
			fmt.Fprintf(&b, " (%s)", f.wait.Round(time.Millisecond))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// metricOf names the metric that counts the events of a type. Changed attributes have none.
var metricOf = map[string]string{
	contracts.TypeSignupAllowed: "SignUpsAllowed", contracts.TypeSignupRejected: "SignUpsRejected",
	contracts.TypeUserCreated: "UsersCreated", contracts.TypePasswordReset: "PasswordsReset",
	contracts.TypeSigninAttempted: "SignInsAttempted", contracts.TypeSigninSucceeded: "SignInsSucceeded",
	contracts.TypeSecurityFinding: "Findings",
}
