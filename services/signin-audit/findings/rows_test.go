package findings

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatehouse.example/contracts"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func tableOf(x *index) *Table {
	return &Table{Client: x, Name: "audit", Now: func() time.Time { return noon }, Max: 100}
}

// readsOne is a rule that reads an hour of failures and pool changes.
type readsOne struct{ PoolChanges }

func (readsOne) Reach() map[string]Span {
	return map[string]Span{contracts.TypeSigninFailed: {Before: hour}, contracts.TypePoolChanged: {Before: 2 * hour, After: 5 * time.Minute}}
}

func TestRowsAreRead(t *testing.T) {
	t.Parallel()
	x := &index{}
	number := func(n int64) types.AttributeValue {
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
	}
	x.add(contracts.TypeSigninFailed, "2026-11-23T10:59:59.999999999Z", nil) // before the windows
	x.add(contracts.TypeSigninFailed, "2026-11-23T11:00:00.000000000Z", map[string]types.AttributeValue{
		"sub": value("ann"), "data": value(`{"reason":"locked-out","via":7}`), "ip": value("::ffff:192.0.2.1"),
	})
	x.add(contracts.TypeSigninFailed, "2026-11-23T12:30:00.000000000Z", map[string]types.AttributeValue{"ip": value("an address")})
	x.add(contracts.TypeSigninFailed, "2026-11-23T13:00:00.000000000Z", nil) // the end of the last window
	x.add(contracts.TypeSigninFailed, "2026-11-23T12:10:00.000000000Z", map[string]types.AttributeValue{"expiresAt": number(noon.Unix())})
	x.add(contracts.TypeSigninFailed, "2026-11-23T12:11:00.000000000Z", map[string]types.AttributeValue{"expiresAt": number(noon.Unix() + 1)})
	x.add(contracts.TypeSigninFailed, "2026-11-23T12:12:00.000000000Z", map[string]types.AttributeValue{"synthetic": &types.AttributeValueMemberBOOL{Value: true}})
	x.add(contracts.TypePoolChanged, "2026-11-23T13:04:00.000000000Z", map[string]types.AttributeValue{"data": value(`{"by":{"kind":"role","name":"r"}}`)})
	x.add(contracts.TypeSigninSucceeded, "2026-11-23T12:12:00.000000000Z", nil) // no rule reads it
	rows, err := tableOf(x).Read(t.Context(), []Rule{readsOne{}}, noon, noon.Add(hour))
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 23, hour, minute, 0, 0, time.UTC) }
	want := map[string][]Row{
		contracts.TypeSigninFailed: {
			{ID: "1", Time: at(11, 0), Sub: "ann", Reason: contracts.FailedLockedOut, IP: netip.MustParseAddr("192.0.2.1")},
			{ID: "5", Time: at(12, 11)}, {ID: "2", Time: at(12, 30)},
		},
		contracts.TypePoolChanged: {{ID: "7", Time: at(13, 4), ActorKind: "role", Actor: "r"}},
	}
	for typ, all := range want {
		for i := range all {
			all[i].Type, all[i].Pool, all[i].Client = typ, dayPool, web
		}
	}
	if diff := cmp.Diff(want, rows.byType, cmpopts.IgnoreUnexported(Row{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestReadingCostsTheWindow: neither days before nor other types are read.
func TestReadingCostsTheWindow(t *testing.T) {
	t.Parallel()
	x := &index{}
	for day := 1; day < 23; day++ {
		for n := range 50 {
			x.add(contracts.TypeSigninFailed, time.Date(2026, 11, day, n%24, n, 0, 0, time.UTC).Format(stampLayout), nil)
			x.add(contracts.TypeAppEvent, time.Date(2026, 11, 23, n%24, n, 0, 0, time.UTC).Format(stampLayout), nil)
		}
	}
	x.add(contracts.TypeSigninFailed, "2026-11-23T00:10:00.000000000Z", nil)
	midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	rows, err := tableOf(x).Read(t.Context(), Defaults().Rules(), midnight.Add(hour), midnight.Add(2*hour))
	if err != nil || rows.Len() != x.read || rows.Len() > 20 {
		t.Errorf("%d rows of %d read, %v", rows.Len(), x.read, err)
	}
	slices.Sort(x.days)
	if days := slices.Compact(x.days); !slices.Equal(days, []string{"2026-11-22", "2026-11-23"}) {
		t.Errorf("days %q", days)
	}
}

func TestReadRefusesTooManyRows(t *testing.T) {
	t.Parallel()
	x := &index{}
	for range 3 {
		x.add(contracts.TypeSigninFailed, "2026-11-23T12:00:00.000000000Z", nil)
	}
	x.add(contracts.TypePoolChanged, "2026-11-23T12:00:00.000000000Z", nil)
	x.add(contracts.TypeSignupAllowed, "2026-11-23T12:00:00.000000000Z", nil)
	table := tableOf(x)
	table.Max = 3
	rules := Defaults().Rules()
	rows, err := table.Read(t.Context(), rules, noon, noon.Add(hour))
	if !errors.Is(err, ErrTooMany) || rows.Len() != 2 {
		t.Fatalf("%d rows, error %v", rows.Len(), err)
	}
	// A flood of failures does not hide what the other rules find.
	var whole []string
	for _, rule := range rows.Whole(rules) {
		whole = append(whole, rule.Name())
	}
	if diff := cmp.Diff([]string{contracts.RuleSignupBurst, contracts.RulePoolChangedByOthers}, whole); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if found := Evaluate(rows.Whole(rules), rows, noon, noon.Add(hour)); len(found) != 1 || found[0].Rule != contracts.RulePoolChangedByOthers {
		t.Errorf("findings %v", found)
	}
	x.err = errors.New("secret of the request")
	if _, err := table.Read(t.Context(), []Rule{readsOne{}}, noon, noon.Add(hour)); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

func TestKnownFindings(t *testing.T) {
	t.Parallel()
	x := &index{}
	x.add(contracts.TypeSecurityFinding, "2026-11-22T23:59:00.000000000Z", nil)
	x.add(contracts.TypeSecurityFinding, "2026-11-23T00:10:00.000000000Z", nil)
	x.add(contracts.TypeSecurityFinding, "2026-11-23T01:10:00.000000000Z", nil)
	known, err := tableOf(x).Known(t.Context(), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC))
	if diff := cmp.Diff(map[string]bool{"0": true, "1": true}, known); diff != "" || err != nil {
		t.Errorf("known: %v\n%s", err, diff)
	}
}

// FuzzRow: whatever a row has, reading it neither fails nor makes an address of a text.
func FuzzRow(f *testing.F) {
	f.Add("2026-11-23T12:00:00.000000000Z", `{"reason":"locked-out","by":{"kind":"root"}}`, "192.0.2.1")
	f.Add("yesterday", `{"by":"root","userNotFound":"yes"}`, "fe80::1%eth0")
	f.Fuzz(func(t *testing.T, stamp, data, ip string) {
		table := tableOf(&index{})
		row, ok := table.row(map[string]types.AttributeValue{"time": value(stamp), "data": value(data), "ip": value(ip)}, contracts.TypePoolChanged)
		if ok && row.Time.Format(stampLayout) != stamp {
			t.Errorf("time %s of %q", row.Time, stamp)
		}
		if row.IP.IsValid() && network(row.IP) == (netip.Prefix{}) && row.IP.Zone() == "" {
			t.Errorf("no network of %s", row.IP)
		}
	})
}
