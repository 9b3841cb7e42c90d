package simulation

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	cognito "gatehouse.example/lambdakit/trigger"
)

// function is a Lambda function. Each instance of it handles one invocation at a time,
// and is used again
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
type function struct {
	name string
	setting
	instances int
	idle      []*instance
}

// instance is a process of a function.
type instance struct {
	*universe
	function *function
	number   int
	trigger  *cognito.Handler
	consumer func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)
	current  *invocation

	// expiredAt is when the credentials expired, if they have.
	expiredAt time.Duration
	// failedAt is when the topic failed for an invocation for which it never succeeded.
	failedAt time.Duration
}

// invocation is one call of a function.
type invocation struct {
	*instance
	// call is the person's call, of a trigger.
	call *personCall
	// ended is closed when the process ends, or when Lambda ends it.
	ended chan struct{}
	once  sync.Once
	// crashed is set if the process ended by itself.
	crashed bool
	// succeeded is set if a call of the topic did, and failed is when the last one did not.
	succeeded bool
	failed    time.Duration
	// froze is how long the process stood still.
	froze time.Duration
}

type invocationKey struct{}

func invocationOf(ctx context.Context) *invocation {
	inv, ok := ctx.Value(invocationKey{}).(*invocation)
	if !ok {
		panic("simulation: a call without the context of its invocation")
	}
	return inv
}

func (i *invocation) end() { i.once.Do(func() { close(i.ended) }) }

// replaceAfter is when Lambda replaces an instance whose credentials have expired.
const replaceAfter = 15 * time.Minute

// expired says whether the instance's credentials have expired, now or before.
func (i *invocation) expired(now bool) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if now && i.expiredAt == 0 {
		i.expiredAt = i.now()
	}
	return now || i.expiredAt != 0 && i.expiredAt < i.now()
}

// take returns the instance that was used last, or a new one.
func (u *universe) take(name string) *instance {
	u.mu.Lock()
	defer u.mu.Unlock()
	f := u.functions[name]
	for len(f.idle) > 0 {
		inst := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if inst.expiredAt == 0 || u.now()-inst.expiredAt < replaceAfter {
			return inst
		}
	}
	f.instances++
	inst := &instance{universe: u, function: f, number: f.instances}
	inst.build()
	return inst
}

// invoke runs work in an instance until it returns, its process ends or its time is
// over. It reports whether work returned.
func (u *universe) invoke(function string, call *personCall, work func(context.Context, *instance)) (*invocation, bool) {
	inst := u.take(function)
	inv := &invocation{instance: inst, call: call, ended: make(chan struct{})}
	inst.current = inv
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{
		InvokedFunctionArn: "arn:aws:lambda:eu-central-1:111122223333:function:" + function + ":live",
	})
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, invocationKey{}, inv), inst.function.timeout)
	defer cancel()
	returned := make(chan struct{})
	finished := false
	go func() {
		defer close(returned)
		work(ctx, inst)
		finished = true
	}()
	// Before the deadline of ctx: no code runs after it.
	limit := time.NewTimer(inst.function.timeout - time.Nanosecond)
	defer limit.Stop()
	select {
	case <-returned:
	case <-limit.C:
		inv.end()
		return inv, false
	}
	// A process can end in another goroutine than that of its function.
	if finished = finished && !inv.over(); finished {
		u.mu.Lock()
		inst.function.idle = append(inst.function.idle, inst)
		u.mu.Unlock()
	}
	return inv, finished
}

// clock is the time that the instance sees.
func (i *instance) clock() time.Time {
	now, out := i.now(), time.Now()
	for _, c := range i.clocks {
		if c.function == i.function.name && c.at <= now {
			out = out.Add(c.by)
		}
	}
	return out
}

// log writes one of the two formats that Lambda offers
// (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html).
func (i *instance) log() *slog.Logger {
	if i.number%2 == 0 {
		return slog.New(slog.NewTextHandler(lines{i}, nil))
	}
	return slog.New(slog.NewJSONHandler(lines{i}, nil))
}

// logLine is a line and when it was written.
type logLine struct {
	at   time.Duration
	text string
}

// lines is the log of an instance. What is written before the process ends is kept.
type lines struct{ *instance }

func (l lines) Write(line []byte) (int, error) {
	l.current.live()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs[l.function.name] = append(l.logs[l.function.name], logLine{l.now(), string(l.bug.lineOf(line))})
	return len(line), nil
}

// output is what an instance writes to standard output.
func (i *instance) output() io.Writer { return output{i} }

type output struct{ *instance }

func (o output) Write(line []byte) (int, error) {
	inv := o.current
	inv.live()
	if o.function.name != metrics {
		return len(line), nil
	}
	var planned mode
	for _, c := range o.claimedBy(inv) {
		if _, f := o.next(opWrite, c.event.name); f.mode != "" {
			planned = f.mode
		}
	}
	if planned == crashBefore {
		inv.crash()
	}
	o.mu.Lock()
	o.written.Write(line)
	for _, c := range o.claims {
		c.counted = c.counted || c.won && c.by == inv
	}
	o.mu.Unlock()
	if planned == crashAfter {
		inv.crash()
	}
	return len(line), nil
}
