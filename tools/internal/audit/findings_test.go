package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"gatehouse.example/contracts"
	"gatehouse.example/services/signin-audit/findings"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// answers is AWS as the commands see it: settings of dev, and audit rows.
type answers struct {
	settings string // empty: there are none
	rows     []string
	payloads []string
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	body := string(raw)
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.Contains(body, "findings-settings") && a.settings == "":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"ParameterNotFound"}`)
	case strings.Contains(body, "findings-settings"):
		_ = json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Value": a.settings}})
	case target == "AmazonSSM.GetParameter":
		_, _ = io.WriteString(w, `{"Parameter":{"Value":"audit-of-dev"}}`)
	case target == "DynamoDB_20120810.Query":
		var in struct {
			ExpressionAttributeValues map[string]struct{ S string }
		}
		_ = json.Unmarshal(raw, &in)
		v := in.ExpressionAttributeValues
		var hits []string
		for _, row := range a.rows {
			var key struct{ TypeTime struct{ S string } }
			_ = json.Unmarshal([]byte(row), &key)
			if v[":from"].S <= key.TypeTime.S && key.TypeTime.S <= v[":to"].S && strings.Contains(key.TypeTime.S, v[":day"].S) {
				hits = append(hits, row)
			}
		}
		_, _ = io.WriteString(w, `{"Items":[`+strings.Join(hits, ",")+`]}`)
	default:
		a.payloads = append(a.payloads, r.URL.Path+" "+body)
		_, _ = io.WriteString(w, `{"published":2,"known":1,"omitted":0}`)
	}
}

// add adds a row some minutes before noon.
func (a *answers) add(typ string, minutes int, data string) {
	stamp := noon.Add(-time.Duration(minutes) * time.Minute).Format("2006-01-02T15:04:05.000000000Z")
	id := strconv.Itoa(len(a.rows))
	s := func(v string) map[string]string { return map[string]string{"S": v} }
	raw, _ := json.Marshal(map[string]any{
		"typeTime": s(typ + "#" + stamp + "#" + id), "id": s(id), "type": s(typ), "time": s(stamp), "pool": s("pool"), "client": s("web"),
		"sub": s("ann"), "data": s(data),
	})
	a.rows = append(a.rows, string(raw))
}

// runFindings runs a command against AWS in memory. It sets the environment, so its tests are not
// parallel.
func runFindings(t *testing.T, a *answers, args ...string) (out, progress string, err error) {
	t.Helper()
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": srv.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true", "AUDIT_TABLE": "", "GATEHOUSE_ENVIRONMENT": "",
	} {
		t.Setenv(name, value)
	}
	var stdout, stderr bytes.Buffer
	cmd := FindingsCommand()
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

// guessed is a table with six failures and a success.
func guessed(settings string) *answers {
	a := &answers{settings: settings}
	for range 6 {
		a.add(contracts.TypeSigninFailed, 50, `{"reason":"wrong-password-or-unknown-user"}`)
	}
	a.add(contracts.TypeSigninSucceeded, 12, `{}`)
	return a
}

func TestFindingsTry(t *testing.T) {
	period := []string{"try", "--environment", "dev", "--from", "2026-11-23T08:00:00Z", "--to", "2026-11-23T12:00:00Z"}
	const found = "2026-11-23T11:50:00Z  critical  failures-then-success  ann   web               failures=6 successes=1 wrong-password-or-unknown-user=6\n"
	for _, tc := range []struct {
		name, settings, want string
		args                 []string
	}{
		{"defaults", "", "no findings", nil},
		{"deployed_settings", "FindingsFailures=6", found, nil},
		{"flag", "FindingsFailures=60", found, []string{"--failures", "5"}},
		{"one_rule", "FindingsFailures=6", "no findings", []string{"--rule", "signup-burst"}},
		{"json", "FindingsFailures=6", `"rule":"failures-then-success","severity":"critical","sub":"ann"`, []string{"--json"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, progress, err := runFindings(t, guessed(tc.settings), append(period, tc.args...)...)
			if err != nil || !strings.Contains(out, tc.want) {
				t.Errorf("output %q, %v; want %q", out, err, tc.want)
			}
			if !strings.Contains(progress, "until 2026-11-23T12:00:00Z: ") {
				t.Errorf("progress %q", progress)
			}
		})
	}
}

func TestFindingsRefuse(t *testing.T) {
	for name, args := range map[string][]string{
		"--from":        {"try", "--from", "yesterday"},
		"--to":          {"list", "--to", "22.11.2026"},
		"not before":    {"list", "--from", "2026-11-23", "--to", "2026-11-22"},
		"--rule":        {"try", "--environment", "dev", "--rule", "other"},
		"--failures":    {"try", "--environment", "dev", "--failures", "0"},
		"--environment": {"announce", "--from", "2026-11-22"},
		"are required":  {"announce", "--environment", "dev"},
	} {
		if out, _, err := runFindings(t, &answers{}, args...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: output %q, error %v", args, out, err)
		}
	}
}

func TestFindingsList(t *testing.T) {
	a := &answers{}
	data := func(rule string) string {
		return `{"rule":"` + rule + `","severity":"high","from":"2026-11-23T10:00:00Z","to":"2026-11-23T11:00:00Z","counts":{"users":40},"reasons":{"locked-out":3}}`
	}
	a.add(contracts.TypeSecurityFinding, 60, data("many-accounts-unresolved"))
	a.add(contracts.TypeSecurityFinding, 50, data("accounts-held-locked"))
	a.add(contracts.TypeSecurityFinding, 40, `{"rule":`)
	a.add(contracts.TypeSecurityFinding, 60*48, data("too-old"))
	out, _, err := runFindings(t, a, "list", "--environment", "dev", "--to", "2026-11-23T12:00:00Z")
	if want := "2026-11-23T11:00:00Z  high      many-accounts-unresolved  ann   web               users=40 locked-out=3"; err != nil || !strings.Contains(out, want) ||
		strings.Count(out, "\n") != 3 {
		t.Errorf("output %q, %v; want %q", out, err, want)
	}
	if out, _, err := runFindings(t, a, "list", "--environment", "dev", "--to", "2026-11-23T12:00:00Z", "--rule", "accounts-held-locked"); err != nil || strings.Count(out, "\n") != 2 {
		t.Errorf("output %q, %v", out, err)
	}
}

func TestFindingsAnnounce(t *testing.T) {
	a := &answers{}
	out, _, err := runFindings(t, a, "announce", "--environment", "dev", "--from", "2026-11-22T03:00:00Z", "--to", "2026-11-22T04:30:00Z")
	if err != nil || !strings.Contains(out, "until 2026-11-22T04:30:00Z: 2 published, 1 known, 0 omitted") {
		t.Errorf("output %q, %v", out, err)
	}
	want := `/2015-03-31/functions/gatehouse-dev-signin-audit-findings/invocations {"from":"2026-11-22T04:00:00Z","to":"2026-11-22T04:30:00Z"}`
	if len(a.payloads) != 2 || a.payloads[1] != want {
		t.Errorf("calls %q, want the second to be %q", a.payloads, want)
	}
}

// failing is a function that fails.
type failing struct{}

func (failing) Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	handled := "Unhandled"
	return &lambda.InvokeOutput{FunctionError: &handled}, nil
}

func TestFindingsAnnounceFails(t *testing.T) {
	t.Parallel()
	if err := call(t.Context(), failing{}, "f", noon, noon.Add(time.Hour), io.Discard); err == nil || !strings.Contains(err.Error(), "f failed for the hour from 2026-11-23T12:00:00Z") {
		t.Errorf("error %v", err)
	}
}

// crowded is a table that can read an hour at most.
type crowded struct{ read []time.Duration }

func (c *crowded) Read(_ context.Context, _ []findings.Rule, from, to time.Time) (*findings.Rows, error) {
	c.read = append(c.read, to.Sub(from))
	if to.Sub(from) > time.Hour {
		return nil, findings.ErrTooMany
	}
	return findings.NewRows(nil), nil
}

func TestFindingsTryReadsLessWhereThereIsMuch(t *testing.T) {
	t.Parallel()
	c := &crowded{}
	if _, err := evaluate(t.Context(), c, nil, noon.Add(-2*time.Hour), noon, io.Discard); err != nil || len(c.read) < 3 {
		t.Errorf("read %v, %v", c.read, err)
	}
	none := &never{}
	if _, err := evaluate(t.Context(), none, nil, noon.Add(-2*time.Hour), noon, io.Discard); !errors.Is(err, findings.ErrTooMany) {
		t.Errorf("error %v", err)
	}
}

// never is a table that has too many rows in any part of time.
type never struct{}

func (never) Read(context.Context, []findings.Rule, time.Time, time.Time) (*findings.Rows, error) {
	return nil, findings.ErrTooMany
}
