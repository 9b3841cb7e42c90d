package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	graph := stacks.Graph{"platform": {"audit", "events", "guard"}, "audit": {"events"}, "guard": {"events"}, "events": nil}
	tests := map[string]struct {
		selected []string
		want     []string // name: needs
	}{
		"all":          {[]string{"platform", "audit", "guard", "events"}, []string{"events:", "audit:events", "guard:events", "platform:audit,events,guard"}},
		"alone":        {[]string{"platform"}, []string{"platform:"}},
		"outside":      {[]string{"subscriber", "events"}, []string{"events:", "subscriber:"}},
		"named_twice":  {[]string{"events", "events"}, []string{"events:"}},
		"some_of_them": {[]string{"platform", "guard"}, []string{"guard:", "platform:guard"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var selected []stacks.Stack
			for _, n := range tc.selected {
				selected = append(selected, stacks.Stack{Name: n})
			}
			var got []string
			for _, j := range order(selected, graph) {
				var needs []string
				for _, n := range j.needs {
					needs = append(needs, n.stack.Name)
				}
				got = append(got, j.stack.Name+":"+strings.Join(needs, ","))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	err := os.WriteFile(filepath.Join(dir, "samconfig.toml"), []byte(`[local.deploy.parameters]
stack_name = "gatehouse-local-example-subscriber"
parameter_overrides = "Architecture=arm64 CallbackUrls=http://x.example/cb Environment=local OnAws=true Types=a,b"
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s := stacks.Stack{Name: "subscriber", Dir: dir, Parameters: []string{"Architecture", "Environment", "OnAws", "Types"}}
	given := map[string]string{"Types": "c", "OnAws": "true", "ProviderName": "Acme"} // the last one is of another stack
	cfg, name, err := Settings(supervisor.Layout{Workspace: stacks.Workspace{Environment: "dev"}, Port: 4566, Parameters: given}, s)
	if err != nil {
		t.Fatal(err)
	}
	if name != "gatehouse-dev-example-subscriber" {
		t.Errorf("stack %q", name)
	}
	want := map[string]string{"Architecture": sam.Architecture(), "Environment": "dev", "OnAws": "false", "Types": "c", "CallbackUrls": "http://x.example/cb,http://127.0.0.1:4566/app,https://127.0.0.1:4566/app"}
	if diff := cmp.Diff(want, cfg.Parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

// Names are given to the stack that takes them, once they are made.
func TestSettingsWithNames(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ stack, names, want string }{
		"sign_in":       {"platform", `{"HostedZoneID":"Z1","CertificateARN":"arn"}`, "signin.gatehouse.test Z1 arn"},
		"api":           {"api", `{"HostedZoneID":"Z1","CertificateARN":"arn"}`, "api.gatehouse.test Z1 arn"},
		"not_made_yet":  {"platform", "", "  "},
		"without_names": {"guard", `{"HostedZoneID":"Z1","CertificateARN":"arn"}`, "  "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := supervisor.Layout{Workspace: stacks.Workspace{Dir: t.TempDir(), Environment: "local"}, Port: 4566}
			s := stacks.Stack{Name: tc.stack, Dir: t.TempDir()}
			if tc.stack != "guard" {
				s.Parameters = []string{"CertificateArn", "DomainName", "HostedZoneId"}
			}
			if err := os.WriteFile(s.Samconfig(), []byte("[local.deploy.parameters]\nstack_name = \"gatehouse-local-x\"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if tc.names != "" {
				if err := files.Replace(namesFile(l), []byte(tc.names)); err != nil {
					t.Fatal(err)
				}
			}
			cfg, _, err := Settings(l, s)
			if err != nil {
				t.Fatal(err)
			}
			p := cfg.Parameters
			if got := p["DomainName"] + " " + p["HostedZoneId"] + " " + p["CertificateArn"]; got != tc.want {
				t.Errorf("parameters %q, want %q", got, tc.want)
			}
		})
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	l := supervisor.Layout{Workspace: stacks.Workspace{Dir: t.TempDir()}}
	if r, err := ReadRecord(l, "guard"); err != nil || r != (Record{}) {
		t.Errorf("never deployed: %+v, %v", r, err)
	}
	r := Record{Instance: "i", Fingerprint: "f", Deployed: time.Unix(1, 0).UTC()}
	if err := r.write(l, "guard"); err != nil {
		t.Fatal(err)
	}
	if err := MarkDrifted(l, "guard"); err != nil {
		t.Fatal(err)
	}
	r.Drifted = true
	got, err := ReadRecord(l, "guard")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}
