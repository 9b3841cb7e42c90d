package signinrecords

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
)

// fixtures are the records of testdata, by file name.
func fixtures(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/records/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d records, %v", len(files), err)
	}
	out := map[string][]byte{}
	for _, file := range files {
		if out[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestRecords holds testdata/expected.txt: what each record of the folder becomes. A
// record says in x-source where its shape comes from.
func TestRecords(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	all := fixtures(t)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		var mark struct {
			Source Source `json:"x-source"`
		}
		if err := json.Unmarshal(all[file], &mark); err != nil || !slices.Contains([]Source{SeenOnAWS, PublicCapture, Documentation, Inferred}, mark.Source) {
			t.Errorf("%s: x-source is %q (%v), want one of the sources in reasons.go", file, mark.Source, err)
		}
		line := Explain(all[file])
		if strings.Contains(line, "ada@") || strings.Contains(line, "192.0.2") {
			t.Errorf("%s: the line quotes the record: %s", file, line)
		}
		fmt.Fprintf(&got, "%s, %s\n\t%s\n", file, mark.Source, line)
	}
	const golden = "testdata/expected.txt"
	if os.Getenv("UPDATE") == "records" {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("UPDATE=records go test ./internal/signinrecords -run TestRecords\n(-%s +now)\n%s", golden, diff)
	}
}

// record parses a record with some fields.
func record(t *testing.T, name string, page bool, fields string) cloudtrail.Record {
	t.Helper()
	kind := "AwsApiCall"
	if page {
		kind = "AwsServiceEvent"
	}
	r, err := cloudtrail.Parse(fmt.Appendf(nil, `{"eventSource":"cognito-idp.amazonaws.com","eventType":%q,"eventName":%q,"eventID":"e",
		"eventTime":"2026-11-22T09:30:00Z"%s}`, kind, name, fields))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// judged are the names that are not only counted.
func judged() []Name { return slices.DeleteFunc(Names(), func(n Name) bool { return n.Counted }) }

// What a provider's answer says about the sign-in is not known, so nothing of it decides.
func TestProvidersAnswersAreCountedOnly(t *testing.T) {
	t.Parallel()
	found := 0
	for _, name := range Names() {
		if !name.Counted {
			continue
		}
		found++
		for _, fields := range []string{
			"", `,"errorCode":"MoonPhaseException"`, `,"errorCode":{}`, `,"additionalEventData":{"responseParameters":{"status":403}}`,
		} {
			if got, err := Judge(record(t, name.EventName, true, fields)); err != nil || got.Failed != nil || got.Ignored != FromProvider {
				t.Errorf("%s%s: %+v, %v", name.EventName, fields, got, err)
			}
		}
		if got, err := Judge(record(t, name.EventName, false, "")); !errors.Is(err, UnknownName) {
			t.Errorf("%s as a call: %+v, %v", name.EventName, got, err)
		}
	}
	if found == 0 {
		t.Error("no name of a provider's answer")
	}
}

// Each line of the table of reasons decides, for each name of the table of records. So no
// line is hidden by one above it.
func TestEveryRefusalDecides(t *testing.T) {
	t.Parallel()
	for _, line := range Refusals() {
		for _, name := range judged() {
			fields := fmt.Sprintf(`,"errorCode":%q,"errorMessage":%q`, line.Code, "x "+strings.ToUpper(line.Text)+" y")
			got, err := Judge(record(t, name.EventName, name.Page, fields))
			via := contracts.ViaAPI
			if name.Page {
				via = contracts.ViaPage
			}
			want := Verdict{
				Failed: &contracts.SigninFailed{Reason: line.Reason, Via: via, Challenge: contracts.Challenges()[name.Challenge]}, Source: weaker(line.Source, name.Source),
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s with %s %q: %v (-want +got)\n%s", name.EventName, line.Code, line.Text, err, diff)
			}
		}
	}
}

// Each name of a page has a verdict for each status that is known, and none for another.
func TestEveryStatusDecides(t *testing.T) {
	t.Parallel()
	reasons := map[int]string{
		200: contracts.FailedUnspecified, 302: contracts.FailedUnspecified, 303: contracts.FailedUnspecified,
		400: contracts.FailedUnspecified, 401: contracts.FailedUnspecified, 403: contracts.FailedBlocked, 429: contracts.FailedThrottled,
		500: contracts.FailedService, 502: contracts.FailedService, 503: contracts.FailedService, 504: contracts.FailedService,
	}
	for _, name := range judged() {
		if !name.Page {
			continue
		}
		for status := range 1000 {
			fields := fmt.Sprintf(`,"additionalEventData":{"responseParameters":{"status":%d.0}}`, status)
			got, err := Judge(record(t, name.EventName, true, fields))
			reason, known := reasons[status]
			fails := slices.Contains(name.Fails, status)
			switch {
			case !known && !errors.Is(err, UnknownStatus):
				t.Errorf("%s, status %d: %+v, %v; want %v", name.EventName, status, got, err, UnknownStatus)
			case known && fails && (got.Failed == nil || got.Failed.Reason != reason):
				t.Errorf("%s, status %d: %+v, %v; want the reason %s", name.EventName, status, got, err, reason)
			case known && !fails && got.Ignored != StepPassed:
				t.Errorf("%s, status %d: %+v, %v; want %s", name.EventName, status, got, err, StepPassed)
			}
		}
	}
}

// A reason that no line gives is a promise that nobody keeps.
func TestEveryReasonIsGiven(t *testing.T) {
	t.Parallel()
	given := map[string]bool{}
	for _, line := range Refusals() {
		given[line.Reason] = true
	}
	for _, reason := range contracts.FailureReasons() {
		if !given[reason] {
			t.Errorf("no line gives the reason %s", reason)
		}
		delete(given, reason)
	}
	if len(given) > 0 {
		t.Errorf("reasons that contracts does not have: %v", slices.Sorted(maps.Keys(given)))
	}
}

// The function's own calls must not come back as records, and a name is one line.
func TestNamesAreNotReads(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, name := range Names() {
		if strings.HasPrefix(name.EventName, "Get") || strings.HasPrefix(name.EventName, "List") || strings.HasPrefix(name.EventName, "Describe") || seen[name.EventName] {
			t.Errorf("%s: a read, or twice", name.EventName)
		}
		seen[name.EventName] = true
		if _, known := contracts.Challenges()[name.Challenge]; name.Challenge != "" && !known {
			t.Errorf("%s: %s is not a challenge", name.EventName, name.Challenge)
		}
	}
}

// An error of another shape is not taken for a success.
func TestOddErrorIsUnknown(t *testing.T) {
	t.Parallel()
	for _, name := range judged() {
		r := record(t, name.EventName, name.Page, `,"errorCode":{"code":"NotAuthorizedException"},"additionalEventData":{"responseParameters":{"status":302}}`)
		if got, err := Judge(r); !errors.Is(err, UnknownCode) {
			t.Errorf("%s: %+v, %v", name.EventName, got, err)
		}
	}
}

func TestTokenRefreshIsNoSignIn(t *testing.T) {
	t.Parallel()
	for _, flow := range []string{"REFRESH_TOKEN", "REFRESH_TOKEN_AUTH"} {
		for _, outcome := range []string{"", `,"errorCode":"NotAuthorizedException"`, `,"errorCode":"RefreshTokenReuseException"`} {
			got, err := Judge(record(t, "InitiateAuth", false, fmt.Sprintf(`,"requestParameters":{"authFlow":%q}%s`, flow, outcome)))
			if err != nil || got.Failed != nil || got.Ignored != TokenRefresh {
				t.Errorf("%s%s: %+v, %v", flow, outcome, got, err)
			}
		}
	}
}
