package findings

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"gatehouse.example/contracts"
)

const (
	signIns   = 100_000
	people    = 40_000
	dayPool   = "eu-central-1_Gatehouse"
	web       = "3n4b5urk1ft4fl3mg5e62d9ado"
	native    = "6q7r8s9t0u1v2w3x4y5z6a7b8c"
	kiosk     = "1a2b3c4d5e6f7g8h9i0j1k2l3m"
	wrong     = contracts.FailedPassword
	deployers = "gatehouse-production-platform-cloudformation"
)

// office is the network of an office with one address for everybody, which is allowed, and
// carrier that of a mobile carrier, which is not.
var (
	office  = netip.MustParseAddr("198.51.100.7")
	carrier = netip.MustParseAddr("203.0.113.20")
)

// day is a generated day of a pool: people, and planted attacks.
type day struct {
	*rand.Rand
	start   time.Time
	rows    []arrival
	planted []attack
	subs    [people]string
	n       uint64
}

// arrival is a row, and how long after its act it is in the table.
type arrival struct {
	Row
	delay time.Duration
}

// attack is what was planted: the rule that should find it, and how.
type attack struct {
	rule, how      string
	client, domain string
	subs           []string
	from, to       time.Time
}

// newDay generates a day from a seed.
func newDay(seed uint64) *day {
	d := &day{Rand: rand.New(rand.NewPCG(seed, 1)), start: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}
	for range signIns {
		d.signIn()
	}
	for range 2 {
		d.oldDevice()
	}
	d.signUps()
	for range 5 {
		d.add(d.any(), Row{Type: contracts.TypePoolChanged, ActorKind: contracts.ByRole, Actor: deployers})
	}
	d.attack()
	slices.SortFunc(d.rows, func(a, b arrival) int { return a.Time.Compare(b.Time) })
	return d
}

// sub is the sub of a person.
func (d *day) sub(person int) string {
	if d.subs[person] == "" {
		d.subs[person] = fmt.Sprintf("%08x-6d0b-4c7e-9d53-0f6b1f1f8a11", person)
	}
	return d.subs[person]
}

// any is a moment of the day at which people are awake, or work in shifts: a quarter of the
// sign-ins are in the ten minutes around 06:00, 14:00 and 22:00.
func (d *day) any() time.Time {
	if d.IntN(4) == 0 {
		shift := 6 + 8*d.IntN(3)
		return d.start.Add(time.Duration(shift)*time.Hour + time.Duration(d.NormFloat64()*5*float64(time.Minute)))
	}
	for {
		at := d.Int64N(int64(24 * time.Hour))
		if hour := at / int64(time.Hour); hour >= 7 && hour < 23 || d.IntN(8) == 0 {
			return d.start.Add(time.Duration(at))
		}
	}
}

// add adds a row. Those of the triggers are there within seconds; AWS's records are minutes
// late, some an hour, and some are delivered twice.
func (d *day) add(at time.Time, r Row) {
	d.n++
	r.ID, r.Time, r.Pool = strconv.FormatUint(d.n, 36), at, dayPool
	a := arrival{Row: r, delay: time.Duration(d.IntN(10)) * time.Second}
	if r.Type == contracts.TypeSigninFailed || r.Type == contracts.TypePoolChanged {
		r.Time = at.Truncate(time.Second)
		a.Row, a.delay = r, time.Duration(60+d.IntN(600))*time.Second
		switch n := d.IntN(1000); {
		case n < 1:
			a.delay = 3 * time.Hour
		case n < 20:
			a.delay = time.Duration(20+d.IntN(50)) * time.Minute
		case n < 40:
			d.rows = append(d.rows, a)
		}
	}
	d.rows = append(d.rows, a)
}

// address is where a person is: in the office, at a carrier, or at home.
func address(person int) netip.Addr {
	switch person % 5 {
	case 0:
		return office
	case 1:
		return carrier
	}
	return netip.AddrFrom4([4]byte{100, byte(person >> 16), byte(person >> 8), byte(person)})
}

// attempt adds an attempt of a person, and its failure if there is a reason.
func (d *day) attempt(at time.Time, person int, client, reason string, ip netip.Addr) {
	d.add(at, Row{Type: contracts.TypeSigninAttempted, Sub: d.sub(person), Client: client})
	if reason != "" {
		d.add(at.Add(time.Second), Row{Type: contracts.TypeSigninFailed, Sub: d.sub(person), Client: client, Reason: reason, IP: ip})
	}
}

func (d *day) succeed(at time.Time, person int, client string) {
	d.add(at, Row{Type: contracts.TypeSigninSucceeded, Sub: d.sub(person), Client: client})
}

// signIn is one sign-in of somebody, with what goes wrong.
func (d *day) signIn() {
	at, person, client := d.any(), d.IntN(people), web
	switch n := d.IntN(10); {
	case n < 3:
		client = native
	case n == 3:
		client = kiosk
	}
	ip, pause := address(person), func() { at = at.Add(time.Duration(5+d.IntN(40)) * time.Second) }
	switch n := d.IntN(1000); {
	case n < 30: // closes the tab instead of entering a code
		d.attempt(at, person, client, "", ip)
		return
	case n < 90: // mistypes the password, and then not
		for range 1 + d.IntN(3) {
			d.attempt(at, person, client, wrong, ip)
			pause()
		}
	case n < 100: // gives up
		for range 1 + d.IntN(4) {
			d.attempt(at, person, client, wrong, ip)
			pause()
		}
		return
	case n < 120: // mistypes the address
		d.unknown(at, client, ip)
		pause()
	case n < 123: // a password manager tries again with the old password until there is a new one
		for i := range 5 + d.IntN(6) {
			d.attempt(at, person, client, d.lockedAfterFive(i), ip)
			at = at.Add(time.Duration(1+d.IntN(3)) * time.Second)
		}
		at = at.Add(time.Duration(2+d.IntN(10)) * time.Minute)
		d.add(at, Row{Type: contracts.TypePasswordReset, Sub: d.sub(person)})
		pause()
	case n < 125: // Cognito is busy
		d.attempt(at, person, client, "throttled", ip)
		pause()
	}
	d.attempt(at, person, client, "", ip)
	d.succeed(at.Add(time.Duration(1+d.IntN(20))*time.Second), person, client)
}

func (d *day) lockedAfterFive(i int) string {
	if i < 5 {
		return wrong
	}
	return contracts.FailedLockedOut
}

// unknown is an attempt as a user that does not exist.
func (d *day) unknown(at time.Time, client string, ip netip.Addr) {
	d.add(at, Row{Type: contracts.TypeSigninAttempted, Client: client, Unknown: true})
	d.add(at.Add(time.Second), Row{Type: contracts.TypeSigninFailed, Client: client, Reason: wrong, IP: ip})
}

// oldDevice tries an old password every ten minutes for hours, until somebody sets it right.
func (d *day) oldDevice() {
	at, person := d.start.Add(time.Duration(d.Int64N(int64(18*time.Hour)))), d.IntN(people)
	for i := range 6 + d.IntN(24) {
		d.attempt(at, person, native, d.lockedAfterFive(i), address(person))
		at = at.Add(10 * time.Minute)
	}
	d.add(at, Row{Type: contracts.TypePasswordReset, Sub: d.sub(person)})
	d.attempt(at.Add(time.Minute), person, native, "", address(person))
	d.succeed(at.Add(time.Minute+5*time.Second), person, native)
}

// signUps are those of a day, and a company that invites its people.
func (d *day) signUps() {
	domains := []string{"gmail.com", "gmail.com", "gmail.com", "outlook.com", "icloud.com", "example.org"}
	for range 900 {
		domain := domains[d.IntN(len(domains))]
		if d.IntN(3) == 0 {
			domain = fmt.Sprintf("d%03d.example", d.IntN(400))
		}
		typ := contracts.TypeSignupAllowed
		if d.IntN(20) == 0 {
			typ = contracts.TypeSignupRejected
		}
		d.add(d.any(), Row{Type: typ, Domain: domain})
	}
	for at, i := d.start.Add(10*time.Hour), 0; i < 24; i++ {
		d.add(at.Add(time.Duration(d.Int64N(int64(40*time.Minute)))), Row{Type: contracts.TypeSignupAllowed, Domain: "invited.example"})
	}
}

// seen are the rows that are in the table this long after their acts.
func (d *day) seen(delay time.Duration) *Rows {
	rows := make([]Row, 0, len(d.rows))
	for _, a := range d.rows {
		if a.delay <= delay {
			rows = append(rows, a.Row)
		}
	}
	return NewRows(rows)
}

// about reports whether a finding is about an attack, whichever rule found it.
func (a attack) about(f Finding) bool {
	switch {
	case !f.To.After(a.from) || !f.From.Before(a.to):
		return false
	case f.Sub != "":
		return slices.Contains(a.subs, f.Sub)
	}
	return f.Client == a.client && f.Domain == a.domain
}
