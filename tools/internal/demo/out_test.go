package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGrown(t *testing.T) {
	t.Parallel()
	m := newMeter(&fakeStatistics{answers: [][]float64{{2}, {2}, {2, 1}}}, "local")
	got, err := m.grown(t.Context(), soon, "SignInsAttempted", 2)
	if err != nil || got != 3 {
		t.Errorf("got %g, %v; want 3", got, err)
	}
	if _, err := m.grown(t.Context(), time.Millisecond, "SignInsAttempted", 3); err == nil || !strings.Contains(err.Error(), "metric SignInsAttempted") {
		t.Errorf("a metric that stays gave %v", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		table fakeTable
		sub   string
		want  string
		err   string
	}{
		"at_once":     {table: fakeTable{rows: map[string][]string{"user#s": {"0", "1"}}}, sub: "s", want: "user#s"},
		"later":       {table: fakeTable{rows: map[string][]string{"user#s": {"1"}}, after: 2}, sub: "s", want: "user#s"},
		"of_nobody":   {table: fakeTable{rows: map[string][]string{"none#us-east-1_Test#2026-11-22": {"1"}}}, want: "none#us-east-1_Test#2026-11-22"},
		"other_event": {table: fakeTable{rows: map[string][]string{"user#s": {"2"}}}, sub: "s", err: "the audit row of gatehouse.user.signin.attempted.v1 did not come"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limit := soon
			if tt.err != "" {
				limit = time.Millisecond
			}
			got, err := (&audit{table: &tt.table, name: "t"}).find(t.Context(), limit, attempted(t, "1", tt.sub))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || got.partition != tt.want || got.id != "1" {
				t.Errorf("got %+v, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestParseEnv(t *testing.T) {
	t.Parallel()
	full := "export API_URL=u\nexport CLIENT_EVENTS_GUEST_QUEUE_URL=q\nexport HOSTED_UI_URL=h\nexport IDENTITY_POOL_ID=i\n" +
		"export MACHINE_CLIENT_ID=m\nexport MACHINE_CLIENT_SECRET=s\nexport AUDIT_TABLE=a\nexport AWS_ACCESS_KEY_ID=test\nexport AWS_ENDPOINT_URL=http://127.0.0.1:4566\n" +
		"export AWS_REGION=us-east-1\nexport AWS_SECRET_ACCESS_KEY='it'\\''s'\nexport GATEHOUSE_ENVIRONMENT=local\n" +
		"export NATIVE_CLIENT_ID=n\nexport TOPIC_ARN=arn\nexport USER_POOL_ID=p\n# a remark\n"
	env, err := parseEnv(full)
	if err != nil {
		t.Fatal(err)
	}
	if env.secretAccessKey != "it's" || env.endpoint != "http://127.0.0.1:4566" {
		t.Errorf("read %+v", env)
	}
	_, err = parseEnv("export AUDIT_TABLE=a\nexport TOPIC_ARN=")
	if err == nil || !strings.Contains(err.Error(), "TOPIC_ARN") || strings.Contains(err.Error(), "AUDIT_TABLE") {
		t.Errorf("got %v, want the missing names only", err)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newPrinter(&out)
	p.summary([]result{
		{act: "refused", event: rejected(t, "11111111-aaaa", "mailinator.com"), metric: "SignUpsRejected", was: 4, is: 5, row: row{time: "10:00"}},
		{act: "sign-in", event: attempted(t, "22222222-bbbb", "s"), metric: "SignInsAttempted", was: 0, is: 2, row: row{time: "10:01"}},
	})
	want := "\nWhat came of what\n" +
		"  ACT      EVENT                     ID        METRIC               AUDIT ROW\n" +
		"  refused  user.signup.rejected.v1   11111111  SignUpsRejected +1   10:00\n" +
		"  sign-in  user.signin.attempted.v1  22222222  SignInsAttempted +2  10:01\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}
