package builder

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gotestsum writes the files that the real one writes, and fails in a folder with a
// file named broken.
const gotestsum = `#!/bin/sh
for a in "$@"; do
  case "$a" in
    --junitfile=*) echo "<testsuites/>" > "${a#*=}";;
    -coverprofile=*) echo "mode: set" > "${a#*=}";;
  esac
done
echo "service: $GATEHOUSE_SERVICE venv: $GATEHOUSE_VENV work: $GOWORK flags: $*"
test ! -e broken
`

const (
	released = `{"properties":{"data":{"properties":{"reason":{"type":"string"}}}}}`
	types    = "package contracts\n\nconst TypeA = \"gatehouse.user.a.v1\"\n\ntype Event string\n\nfunc NewA() Event { return TypeA }\n"
	guard    = "package guard\n\nimport \"gatehouse.example/contracts\"\n\nvar made = contracts.NewA()\n"
	needs    = "module gatehouse.example/services/guard\n\ngo 1.26\n\nrequire gatehouse.example/contracts v0.0.0\n\nreplace gatehouse.example/contracts => ../../contracts\n"
)

// run verifies a small repository, with more files planted in it.
func run(t *testing.T, service string, planted map[string]string) (output, reports string, err error) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"tools/gotestsum": gotestsum, "tools/gocover-cobertura": "#!/bin/sh\ncat\n",
		"contracts/go.mod": "module gatehouse.example/contracts\n\ngo 1.26\n", "contracts/types.go": types,
		"contracts/schemas/gatehouse.user.a.v1.json": released, "contracts/schemas/released/gatehouse.user.a.v1.json": released,
		"services/guard/go.mod": needs, "services/guard/guard.go": guard, "services/guard/template.yaml": "Resources: {}\n",
		"services/other/template.yaml": "Resources: {}\n", "rules/go.mod": "module gatehouse.example/rules\n",
	}
	for path, text := range planted {
		files[path] = text
	}
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	b := Build{Root: dir, Service: service, Venv: "/venv", Tools: filepath.Join(dir, "tools"), Out: filepath.Join(dir, "build", "reports"), Log: &out}
	err = b.Verify(t.Context())
	return out.String(), b.Out, err
}

func TestRun(t *testing.T) {
	t.Parallel()
	output, reports, err := run(t, "guard", nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, want := range []string{
		"[1/6] compare the events of guard", "[3/6] unit tests of contracts", "[6/6] the rules of the repository",
		"service: guard venv: /venv work: off", "-skip=^TestNothingBreaksSinceTheLastRelease$",
		"report build/reports/junit/contracts.xml", "report build/reports/junit/rules.xml", "report build/reports/junit/unit-services-guard.xml",
		"report build/reports/coverage/unit-services-guard.xml",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("output %q, want %q", output, want)
		}
	}
	if left, err := filepath.Glob(filepath.Join(reports, "coverage", "*.out")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestRunStops(t *testing.T) {
	t.Parallel()
	const broken = `{"properties":{"data":{"properties":{}}}}`
	for name, tc := range map[string]struct {
		service string
		planted map[string]string
		want    string // in the error
		output  string
		not     string
	}{
		"broken_contract": {
			"guard", map[string]string{"contracts/schemas/gatehouse.user.a.v1.json": broken},
			"would break readers of events of guard", "services/guard publishes gatehouse.user.a.v1 (services/guard/guard.go:5), but since the last release event.data: field reason was removed", "[2/6]",
		},
		"vet":     {"guard", map[string]string{"services/guard/bad.go": "package guard\n\nvar x int = \"a\"\n"}, "vet services/guard", "cannot use", "[5/6]"},
		"test":    {"guard", map[string]string{"services/guard/broken": ""}, "unit tests of services/guard", "[5/6]", "[6/6]"},
		"rule":    {"guard", map[string]string{"rules/broken": ""}, "the rules of the repository", "[6/6]", "report "},
		"unknown": {"nobody", nil, "one of guard, other", "", "["},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, _, err := run(t, tc.service, tc.planted)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if !strings.Contains(output, tc.output) || strings.Contains(output, tc.not) {
				t.Errorf("output %q, want %q and no %q", output, tc.output, tc.not)
			}
		})
	}
}

// A breaking change of other services' events does not stop this service.
func TestBystandersGoOn(t *testing.T) {
	t.Parallel()
	if output, _, err := run(t, "other", map[string]string{"contracts/schemas/gatehouse.user.a.v1.json": `{"properties":{}}`}); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// The report of what failed is there, too.
func TestFailedTestsAreReported(t *testing.T) {
	t.Parallel()
	_, reports, err := run(t, "guard", map[string]string{"services/guard/broken": ""})
	if err == nil {
		t.Fatal("no error")
	}
	for _, file := range []string{"junit/unit-services-guard.xml", "coverage/unit-services-guard.xml"} {
		if _, err := os.Stat(filepath.Join(reports, file)); err != nil {
			t.Error(err)
		}
	}
}
