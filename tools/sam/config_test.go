package sam

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const samconfig = `
version = 0.1
[local.global.parameters]
stack_name = "overridden"
[local.deploy.parameters]
stack_name = "gatehouse-local-user-events"
capabilities = "CAPABILITY_IAM CAPABILITY_AUTO_EXPAND"
parameter_overrides = %s
[dev.deploy.parameters]
stack_name = "gatehouse-dev-user-events"
`

func TestReadConfig(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		overrides string
		want      map[string]string
		err       string
	}{
		"string":      {overrides: `"Environment=local OnAws=false Empty='' Two=\"a b\""`, want: map[string]string{"Environment": "local", "OnAws": "false", "Empty": "", "Two": "a b"}},
		"list":        {overrides: `["Environment=local", "Url=http://127.0.0.1:4566/?a=b"]`, want: map[string]string{"Environment": "local", "Url": "http://127.0.0.1:4566/?a=b"}},
		"none":        {overrides: `""`, want: map[string]string{}},
		"no_name":     {overrides: `"local"`, err: "no Name=value"},
		"open_quote":  {overrides: `"A='x"`, err: "not closed"},
		"not_toml":    {overrides: `]`, err: "toml"},
		"empty_value": {overrides: `"A= B=x"`, want: map[string]string{"A": "", "B": "x"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "samconfig.toml")
			if err := os.WriteFile(path, []byte(strings.Replace(samconfig, "%s", tc.overrides, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadConfig(path, LocalBlock)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("got %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := Config{StackName: "gatehouse-local-user-events", Capabilities: []string{"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}, Parameters: tc.want}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadConfigOfAnotherBlock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "samconfig.toml")
	if err := os.WriteFile(path, []byte(strings.Replace(samconfig, "%s", `"A=x"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for block, want := range map[string]string{"dev": "gatehouse-dev-user-events", "production": ""} {
		got, err := ReadConfig(path, block)
		if err != nil || got.StackName != want || len(got.Parameters) != 0 {
			t.Errorf("%s: got %+v, %v, want the stack %q alone", block, got, err, want)
		}
	}
}

func TestReadConfigWithoutFile(t *testing.T) {
	t.Parallel()
	got, err := ReadConfig(filepath.Join(t.TempDir(), "samconfig.toml"), LocalBlock)
	if err != nil || got.StackName != "" || len(got.Parameters) != 0 {
		t.Errorf("got %+v, %v, want nothing", got, err)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	file := map[string]string{"Architecture": "arm64", "Tier": "LITE"}
	got := Merge(file, map[string]string{"Architecture": "x86_64", "OnAws": "false"}, []string{"Architecture", "Tier"})
	want := map[string]string{"Architecture": "x86_64", "Tier": "LITE"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if file["Architecture"] != "arm64" {
		t.Error("the file's map was changed")
	}
}

// What Arguments writes, parameters reads: SAM's own rules, both ways.
func FuzzArguments(f *testing.F) {
	f.Add("Name", "a b")
	f.Add("Name", `a"b\'c`)
	f.Fuzz(func(t *testing.T, name, value string) {
		if name == "" || strings.ContainsAny(name, "= \"'\\\t\n\v\f\r\u0085\u00a0") || strings.TrimSpace(name) != name {
			t.Skip("not a parameter's name")
		}
		got, err := parameters(Arguments(map[string]string{name: value}))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{name: value}, got); diff != "" {
			t.Errorf("round trip (-want +got):\n%s", diff)
		}
	})
}
