package main

import (
	"math/rand/v2"
	"slices"
)

// fault is what the proxy does to the calls of one action.
type fault struct {
	Service      string `json:"service"`
	Action       string `json:"action"`
	Mode         string `json:"mode"`
	Milliseconds int    `json:"milliseconds,omitempty"`
	Seen         int    `json:"seen,omitempty"`
}

// kind is a kind of fault. Besides its faults it may kill a function in the middle of a
// batch, or make the emulator, and with it every service, stand still.
type kind struct {
	name   string
	faults []fault
	kills  string // the function, without environment
	stops  bool
}

// slow is how long a delayed call takes, unless a round draws another time.
const slow = 1500

// calm is a round without a fault. It comes first, so that a system that does not work
// is not taken for one that a fault broke.
func calm() kind { return kind{name: "none"} }

// kinds are all of them.
func kinds() []kind {
	topic := fault{Service: "sns", Action: "Publish"}
	table := fault{Service: "dynamodb", Action: "PutItem"}
	bus := fault{Service: "events", Action: "PutEvents"}
	outbox := fault{Service: "sqs", Action: "SendMessage"}
	var out []kind
	for _, service := range []struct {
		name string
		fault
	}{{"topic", topic}, {"table", table}, {"bus", bus}} {
		for _, mode := range []string{"refuse", "hang", "error", "delay", "repeat", "cut", "lose"} {
			out = append(out, kind{name: service.name + " " + mode, faults: []fault{with(service.fault, mode)}})
		}
	}
	for _, mode := range []string{"refuse", "hang", "error", "cut", "lose"} {
		out = append(out, kind{name: "topic refuse, outbox " + mode, faults: []fault{with(topic, "refuse"), with(outbox, mode)}})
	}
	// A call that is late holds a batch while its function is killed.
	for _, killed := range []struct {
		function string
		fault
	}{{"signin-audit-recorder", table}, {"signin-audit-signin-records", table}, {"user-events-metrics", table}, {"user-events-bridge", bus}} {
		out = append(out, kind{name: killed.function + " killed", faults: []fault{with(killed.fault, "delay")}, kills: killed.function})
	}
	return append(out, kind{name: "every service stands still", stops: true})
}

func with(f fault, mode string) fault {
	f.Mode = mode
	if mode == "delay" {
		f.Milliseconds = slow
	}
	return f
}

// plan is the order of the kinds: each once, and then in another order again.
type plan struct {
	random *rand.Rand
	kinds  []kind
	left   []kind
}

func newPlan(seed uint64, all []kind) *plan {
	return &plan{random: rand.New(rand.NewPCG(seed, 0)), kinds: all} //nolint:gosec // G404: a seed repeats the plan
}

// next is the next kind, with the seed of its round.
func (p *plan) next() (kind, uint64) {
	if len(p.left) == 0 {
		p.left = slices.Clone(p.kinds)
		p.random.Shuffle(len(p.left), func(i, j int) { p.left[i], p.left[j] = p.left[j], p.left[i] })
	}
	k := p.left[0]
	p.left = p.left[1:]
	return k, p.random.Uint64()
}

// draw gives a kind the times of one round.
func (k kind) draw(random *rand.Rand) kind {
	k.faults = slices.Clone(k.faults)
	for i := range k.faults {
		if k.faults[i].Mode == "delay" && k.kills == "" {
			k.faults[i].Milliseconds = 100 + random.IntN(2900)
		}
	}
	return k
}
