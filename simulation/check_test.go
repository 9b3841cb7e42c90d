package simulation

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"gatehouse.example/lambdakit/publish"
)

// slack is what a trigger may take on top of the publisher's budget.
const slack = 50 * time.Millisecond

// pauseOf is how long a trigger leaves the topic alone after it failed.
const pauseOf = 5 * time.Second

// pause remembers whether the topic failed for an invocation.
func (i *invocation) pause() {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.succeeded:
		i.failedAt = 0
	case i.failed > 0:
		i.failedAt = i.failed
	}
}

// checkPause: after the topic failed, the instance's next invocations skip it for some
// time, so that a brownout does not keep every person waiting.
func (u *universe) checkPause(inv *invocation) {
	if inv.call == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range u.clocks {
		if c.function == inv.function.name {
			return
		}
	}
	if since := u.now() - inv.failedAt; inv.failedAt > 0 && since < pauseOf-slack {
		u.violate("a way that just failed is skipped", "%s called the topic %s after it failed", inv.function.name, since)
	}
}

// check looks at the universe from outside, after the queues have drained.
func (u *universe) check() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range u.calls {
		u.checkPerson(c)
	}
	u.checkRows()
	u.checkCounts()
	u.checkFindings()
	for act, c := range u.entered() {
		if u.bus[act] == 0 {
			u.violate("every event is on the bus", "the event %q is not", c.name)
		}
	}
	for body, c := range u.copies {
		if c.poison && !u.waits(body) {
			u.violate("what is not an event waits for an operator", "%s is not in every dead-letter queue", body)
		}
	}
}

// waits reports whether a body is in the dead-letter queue of every reader of the topic.
func (u *universe) waits(body string) bool {
	for _, f := range consumers[1:] {
		found := false
		for _, m := range u.queues[f].dead.messages {
			found = found || m.event.body == body
		}
		if !found {
			return false
		}
	}
	return true
}

// checkDeadLetter: an outage of hours makes no dead letters, only what is not an event
// does. Its caller holds u.mu.
func (q *queue) checkDeadLetter(c *copied) {
	if q.dead == nil && !c.poison && q.receives == 0 {
		q.violate("only what is not an event becomes a dead letter", "the event %q is in %s", c.name, q.name)
	}
}

// checkPerson: no person is refused or kept waiting because of an event, and the event
// is acknowledged by SNS or SQS, or recovered from the log.
func (u *universe) checkPerson(c *personCall) {
	k := c.act.kind
	if c.crashed {
		return // by the history; Cognito answers with an error
	}
	switch {
	case !c.finished:
		u.violate("nobody is refused", "act %d, call %d: %s took all of its time", c.act.number, c.nth, k.function)
		return
	case (c.err != nil) != k.refused:
		u.violate("nobody is refused", "act %d, call %d: the answer of %s is %v", c.act.number, c.nth, k.function, c.err)
	case c.changed:
		u.violate("nobody is refused", "act %d, call %d: %s changed the payload", c.act.number, c.nth, k.function)
	}
	if c.took > publish.Budget+c.froze+slack {
		u.violate("nobody waits longer than the budget", "act %d, call %d: %s took %s", c.act.number, c.nth, k.function, c.took)
	}
	for _, typ := range k.types {
		if want := name(c.act.number, c.nth, typ); !u.acknowledged(want) {
			u.violate("nothing is lost", "SNS and SQS did not acknowledge %q, and no log line brought it back", want)
		}
	}
}

// acknowledged reports whether SNS or SQS has acknowledged the event, or another one
// about the same act.
func (u *universe) acknowledged(name string) bool {
	for _, c := range u.copies {
		if c.name != name {
			continue
		}
		for _, other := range u.copies {
			if other.act == c.act && other.acknowledged {
				return true
			}
		}
	}
	return false
}

// entered are the events that SNS or SQS has taken, one for each act.
func (u *universe) entered() map[string]*copied {
	out := map[string]*copied{}
	for _, c := range u.copies {
		if c.entered && !c.poison {
			out[c.act] = c
		}
	}
	return out
}

// checkRows: every act of which SNS or SQS has taken an event is in the audit table once.
func (u *universe) checkRows() {
	acts := map[string]string{}
	for _, c := range u.copies {
		acts[c.id] = c.act
	}
	rows := map[string]int{}
	for _, row := range u.audit.items {
		if id := text(row["id"]); id != "" { // not a claim
			rows[acts[id]]++
		}
	}
	entered := u.entered()
	for act, c := range entered {
		if rows[act] != 1 {
			u.violate("one audit row for each event", "%d rows for the event %q", rows[act], c.name)
		}
	}
	for act, n := range rows {
		if entered[act] == nil {
			u.violate("one audit row for each event", "%d rows for an event that was not published", n)
		}
	}
}

// checkCounts: every event is counted once. Not counted may be those in the window that
// the README of user-events names: the function ended between the claim and the count,
// or DynamoDB answered neither of its two questions.
func (u *universe) checkCounts() {
	want, window, got := map[string]int{}, map[string]int{}, u.counted()
	for _, c := range u.entered() {
		want[metricOf[c.typ]]++
	}
	for _, c := range u.claims {
		if c.applied && !c.counted && (c.by.over() || !c.answered && c.asks > 1) {
			window[metricOf[c.event.typ]]++
		}
	}
	for _, m := range slices.Sorted(maps.Values(metricOf)) {
		if got[m] > want[m] || got[m] < want[m]-window[m] {
			u.violate("every event is counted once", "%s is %d, want %d; %d claims were lost in the window that is named", m, got[m], want[m], window[m])
			return
		}
	}
}

// counted adds up the metrics without a dimension other than Environment.
func (u *universe) counted() map[string]int {
	sums := map[string]int{}
	for line := range strings.Lines(u.written.String()) {
		var l struct {
			ClientId, Reason, Rule, Consumer                                                                            string
			SignUpsAllowed, SignUpsRejected, UsersCreated, PasswordsReset, SignInsAttempted, SignInsSucceeded, Findings int
		}
		switch err := json.Unmarshal([]byte(line), &l); {
		case err != nil:
			u.violate("metric lines are JSON", "%v", err)
		case l.ClientId == "" && l.Reason == "" && l.Rule == "" && l.Consumer == "":
			sums["SignUpsAllowed"] += l.SignUpsAllowed
			sums["SignUpsRejected"] += l.SignUpsRejected
			sums["UsersCreated"] += l.UsersCreated
			sums["PasswordsReset"] += l.PasswordsReset
			sums["SignInsAttempted"] += l.SignInsAttempted
			sums["SignInsSucceeded"] += l.SignInsSucceeded
			sums["Findings"] += l.Findings
		}
	}
	return sums
}
