package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	wrongPassword = "../../../services/signin-audit/internal/signinrecords/testdata/records/initiateauth-wrong-password.json"
	explained     = "signin-audit: InitiateAuth with NotAuthorizedException: failed wrong-password-or-unknown-user, via api, a user (public capture)\n" +
		"  user-events: ignored, a sign-in, which signin-audit reads\n"
)

func runRecords(t *testing.T, in string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := RecordsCommand()
	cmd.SetArgs(append([]string{"replay"}, args...))
	cmd.SetIn(strings.NewReader(in))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestRecordsReplay(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(wrongPassword)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		in   string
		args []string
		want string
	}{
		"file":         {"", []string{wrongPassword}, explained},
		"input":        {string(body), []string{"-"}, explained},
		"two":          {string(body), []string{wrongPassword, "-"}, wrongPassword + "\n  " + explained + "-\n  " + explained},
		"not_a_record": {"ada@example.com", []string{"-"}, "signin-audit: kept in the dead-letter queue, not_a_record\n  user-events: kept in the dead-letter queue, not_a_record\n"},
	} {
		got, err := runRecords(t, tc.in, tc.args...)
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

func TestRecordsReplayRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   string
		args []string
	}{
		"nothing": {"", nil}, "no_file": {"", []string{filepath.Join(t.TempDir(), "x")}}, "too_large": {strings.Repeat(" ", largest+1), []string{"-"}},
	} {
		if out, err := runRecords(t, tc.in, tc.args...); err == nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}
