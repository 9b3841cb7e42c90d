package findings

import (
	"net/netip"
	"time"

	"gatehouse.example/contracts"
)

// The attackers' networks. Each proxy is in a network of its own.
var botnet = netip.MustParseAddr("192.0.2.66")

func proxy(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{45, byte(i >> 8), byte(i), 9})
}

// attack plants attacks of every kind, easy and hard to see.
func (d *day) attack() {
	d.guess("15 failures in 20 minutes", 15, 20*time.Minute, 1)
	d.guess("60 failures in 50 minutes, each from a network of its own", 60, 50*time.Minute, 60)
	d.guess("12 failures in 3 hours", 12, 3*time.Hour, 1)
	d.guessUnrecorded("14 attempts without a record of AWS")

	d.list("2,000 addresses in half an hour, at noon", 12*time.Hour, 2000, 30*time.Minute)
	d.list("150 addresses in an hour, at night", 3*time.Hour, 150, time.Hour)
	d.list("60 addresses in an hour, by day", 16*time.Hour, 60, time.Hour)

	d.spray("300 accounts in half an hour from one network", 11*time.Hour, 300, 30*time.Minute, 1)
	d.spray("400 accounts in an hour, each from a network of its own, at night", 2*time.Hour, 400, time.Hour, 400)
	d.spray("40 accounts in an hour from one network", 18*time.Hour, 40, time.Hour, 1)
	d.spray("100 accounts in an hour, each from a network of its own, at the start of a shift", 13*time.Hour+30*time.Minute, 100, time.Hour, 100)

	d.hold("one account for 5 hours", 8*time.Hour, 5*time.Hour, 1)
	d.hold("40 accounts for 20 minutes", 20*time.Hour, 20*time.Minute, 40)

	d.signUpBurst("120 in half an hour", "burst-a.example", 9*time.Hour, 120, 30*time.Minute, contracts.TypeSignupAllowed)
	d.signUpBurst("80 refused ones in an hour", "burst-b.example", 15*time.Hour, 80, time.Hour, contracts.TypeSignupRejected)
	d.signUpBurst("60 in 4 hours", "burst-c.example", 17*time.Hour, 60, 4*time.Hour, contracts.TypeSignupAllowed)

	d.change("by an IAM user", "iam-user", "AIDACKCEVSQ6C2EXAMPLE", 5*time.Hour)
	d.change("by another role", contracts.ByRole, "Administrator", 10*time.Hour)
	d.change("by an IAM user with the name of the role", "iam-user", deployers, 19*time.Hour)
}

// victim is a person who is not in the office, whose failures are allowed.
func (d *day) victim() int {
	for {
		if p := d.IntN(people); address(p) != office {
			return p
		}
	}
}

func (d *day) plant(a attack) { d.planted = append(d.planted, a) }

// within is a moment in a part of the day.
func (d *day) within(from time.Time, long time.Duration) time.Time {
	return from.Add(time.Duration(d.Int64N(int64(long))))
}

func (d *day) guess(how string, n int, long time.Duration, proxies int) {
	person, from := d.victim(), d.within(d.start.Add(4*time.Hour), 14*time.Hour)
	to := from.Add(long)
	for i := range n {
		ip := botnet
		if proxies > 1 {
			ip = proxy(i)
		}
		d.attempt(from.Add(long*time.Duration(i)/time.Duration(n)), person, web, d.lockedAfterFive(i%6), ip)
	}
	d.attempt(to, person, web, "", botnet)
	d.succeed(to.Add(2*time.Second), person, web)
	d.plant(attack{rule: contracts.RuleFailuresThenSuccess, how: how, subs: []string{d.sub(person)}, client: web, from: from, to: to.Add(time.Minute)})
}

func (d *day) guessUnrecorded(how string) {
	person, from := d.victim(), d.within(d.start.Add(4*time.Hour), 14*time.Hour)
	for i := range 14 {
		d.attempt(from.Add(time.Duration(i)*time.Minute), person, native, "", botnet)
	}
	to := from.Add(15 * time.Minute)
	d.attempt(to, person, native, "", botnet)
	d.succeed(to.Add(2*time.Second), person, native)
	d.plant(attack{rule: contracts.RuleFailuresThenSuccess, how: how, subs: []string{d.sub(person)}, client: native, from: from, to: to.Add(time.Minute)})
}

func (d *day) list(how string, at time.Duration, n int, long time.Duration) {
	from := d.start.Add(at)
	for range n {
		d.unknown(d.within(from, long), web, botnet)
	}
	d.plant(attack{rule: contracts.RuleUnknownUserShare, how: how, client: web, from: from, to: from.Add(long)})
}

func (d *day) spray(how string, at time.Duration, n int, long time.Duration, proxies int) {
	from := d.start.Add(at)
	a := attack{rule: contracts.RuleManyAccountsUnresolved, how: how, client: native, from: from, to: from.Add(long)}
	for i := range n {
		ip, person := botnet, d.victim()
		if proxies > 1 {
			ip = proxy(i)
		}
		d.attempt(d.within(from, long), person, native, wrong, ip)
		a.subs = append(a.subs, d.sub(person))
	}
	d.plant(a)
}

// hold keeps accounts locked: five wrong passwords, and two more every ten minutes.
func (d *day) hold(how string, at, long time.Duration, accounts int) {
	from := d.start.Add(at)
	a := attack{rule: contracts.RuleAccountsHeldLocked, how: how, client: web, from: from, to: from.Add(long)}
	for range accounts {
		person := d.victim()
		for i := range 5 {
			d.attempt(from.Add(time.Duration(i)*time.Second), person, web, wrong, botnet)
		}
		for since := time.Minute; since < long; since += 10 * time.Minute {
			d.attempt(from.Add(since), person, web, contracts.FailedLockedOut, botnet)
			d.attempt(from.Add(since+time.Second), person, web, contracts.FailedLockedOut, botnet)
		}
		a.subs = append(a.subs, d.sub(person))
	}
	d.plant(a)
}

func (d *day) signUpBurst(how, domain string, at time.Duration, n int, long time.Duration, typ string) {
	from := d.start.Add(at)
	for range n {
		d.add(d.within(from, long), Row{Type: typ, Domain: domain})
	}
	d.plant(attack{rule: contracts.RuleSignupBurst, how: how, domain: domain, from: from, to: from.Add(long)})
}

func (d *day) change(how, kind, actor string, at time.Duration) {
	from := d.within(d.start.Add(at), time.Hour)
	for i := range 3 {
		d.add(from.Add(time.Duration(i)*time.Minute), Row{Type: contracts.TypePoolChanged, ActorKind: kind, Actor: actor})
	}
	d.plant(attack{rule: contracts.RulePoolChangedByOthers, how: how, from: from, to: from.Add(3 * time.Minute)})
}
