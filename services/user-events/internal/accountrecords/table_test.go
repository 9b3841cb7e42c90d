package accountrecords_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/services/user-events/internal/accountrecords"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// recordOf is a successful record of a row's operation.
func recordOf(row accountrecords.Row, change fields) string {
	all := fields{}
	if row.Type == contracts.TypePoolChanged {
		all["requestParameters.userPoolId"], all["additionalEventData.sub"] = poolID(), nil
	}
	for path, value := range change {
		all[path] = value
	}
	if row.Page {
		return page(row.Operation, all)
	}
	return call(row.Operation, all)
}

func dataOf(t *testing.T, ev interface{ DataAs(any) error }) map[string]any {
	t.Helper()
	data := map[string]any{}
	if err := ev.DataAs(&data); err != nil {
		t.Fatal(err)
	}
	return data
}

// Each operation of the table becomes its event, or is ignored.
func TestEachOperation(t *testing.T) {
	t.Parallel()
	by := map[string]any{"kind": "role", "name": "Support"}
	for _, row := range accountrecords.Rows() {
		f := newFixture()
		if out := f.handle(t, recordOf(row, nil)); len(out.BatchItemFailures) > 0 || len(f.Reasons()) > 0 {
			t.Errorf("%s: %v, %v\n%s", row.Operation, out, f.Reasons(), &f.logs)
			continue
		}
		ev := f.only(t)
		if ignored := f.count(t, accountrecords.RecordsIgnored); row.Why != "" != (ev == nil) || row.Why != "" != (ignored == 1) {
			t.Errorf("%s: event %v, ignored %v; why: %q", row.Operation, ev, ignored, row.Why)
		}
		if ev == nil {
			continue
		}
		want := map[string]any{"by": by}
		switch row.Type {
		case contracts.TypeUserCreated:
			want = map[string]any{"via": "admin"}
		case contracts.TypeTokenIssued:
			want = map[string]any{}
		case contracts.TypeGroupAdded, contracts.TypeGroupRemoved:
			want["group"] = "auditors"
		case contracts.TypePasswordChanged:
			want["how"] = row.Change
		case contracts.TypePoolChanged:
			want["change"], want["operation"] = row.Change, row.Operation
		case contracts.TypeAttributesChanged, contracts.TypeMFAChanged:
			want["change"] = row.Change
		}
		if diff := cmp.Diff(want, dataOf(t, ev)); diff != "" || ev.Type() != row.Type {
			t.Errorf("%s: %s, want %s; data (-want +got):\n%s", row.Operation, ev.Type(), row.Type, diff)
		}
		id, subject := "0e0f6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11", sub
		switch row.Type {
		case contracts.TypeUserCreated:
			id = contracts.CreatedID(queuetest.Pool, sub)
		case contracts.TypePoolChanged, contracts.TypeTokenIssued:
			subject = ""
		}
		if ev.ID() != id || ev.Subject() != subject || ev.Source() != queuetest.Pool || !ev.Time().Equal(queuetest.Time()) {
			t.Errorf("%s: %v", row.Operation, ev)
		}
	}
}

// Every operation that may change something is in the table, each only once. A new
// version of the SDK brings new ones.
func TestTheTableHasEveryOperationOfTheSDK(t *testing.T) {
	t.Parallel()
	known, pages := []string{}, map[string]bool{}
	for _, row := range accountrecords.Rows() {
		switch {
		case (row.Type == "") == (row.Why == "") || row.From == "":
			t.Errorf("%+v: want either a type or why it is ignored, and a provenance", row)
		case row.Type != "" && !slices.Contains(contracts.Types(), row.Type):
			t.Errorf("%s: unknown type %s", row.Operation, row.Type)
		case row.Page && pages[row.Operation], slices.Contains(known, row.Operation):
			t.Errorf("%s is there twice", row.Operation)
		case row.Page:
			pages[row.Operation] = true
		default:
			known = append(known, row.Operation)
		}
	}
	sdk := reflect.TypeFor[*cognito.Client]()
	operations := 0
	for i := range sdk.NumMethod() {
		name := sdk.Method(i).Name
		if name == "Options" || strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Describe") {
			continue
		}
		operations++
		if !slices.Contains(known, name) {
			t.Errorf("the table does not have %s: add it to what its event is made from, or to those that are ignored", name)
		}
	}
	if operations < 90 {
		t.Errorf("only %d operations: this test looks for them in the wrong place", operations)
	}
}

// The actors of the contract are those of the records.
func TestKindsOfActors(t *testing.T) {
	t.Parallel()
	want := []string{cloudtrail.ActorUser, cloudtrail.ActorRole, cloudtrail.ActorIAMUser, cloudtrail.ActorRoot, cloudtrail.ActorService}
	if diff := cmp.Diff(want, []string{contracts.ByUser, contracts.ByRole, contracts.ByIAMUser, contracts.ByRoot, contracts.ByService}); diff != "" {
		t.Error(diff)
	}
	for identity, want := range map[string]map[string]any{
		`role with an address`: {"kind": "role"},
		`iam user`:             {"kind": "iam-user", "name": "AIDAEXAMPLE"},
		`root`:                 {"kind": "root"},
		`service`:              {"kind": "service", "name": "cloudformation.amazonaws.com"},
		`public`:               {"kind": "user"},
	} {
		f := newFixture()
		f.handle(t, call("AdminDeleteUser", fields{"userIdentity": map[string]any{
			`role with an address`: fields{"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/erika@example.org/session"},
			`iam user`:             fields{"type": "IAMUser", "userName": person, "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::1:user/erika"},
			`root`:                 fields{"type": "Root"},
			`service`:              fields{"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"},
			`public`:               fields{"type": "Unknown", "principalId": "Anonymous"},
		}[identity]}))
		if ev := f.only(t); ev == nil {
			t.Errorf("%s: no event", identity)
		} else if diff := cmp.Diff(want, dataOf(t, ev)["by"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", identity, diff)
		}
	}
}

// A record says when it happened.
func TestTimeOfTheRecord(t *testing.T) {
	t.Parallel()
	f := newFixture()
	f.handle(t, call("DeleteUser", fields{"eventTime": "2026-11-21T23:59:59Z"}))
	if want := time.Date(2026, 11, 21, 23, 59, 59, 0, time.UTC); !f.only(t).Time().Equal(want) {
		t.Errorf("time %v, want %v", f.only(t).Time(), want)
	}
}
