package code

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// The modules that pin the versions of tools are not in go.work, and no function links
// their dependencies.
const (
	toolsModule    = "pipeline/tools/go.mod"
	scannersModule = "e2e/scanners/go.mod"
)

// modules: every module builds with and without go.work, with the same versions of
// its dependencies.
func modules(files map[string]string) []string {
	var out []string
	require := regexp.MustCompile(`(?m)^(?:require\s+|\t)([^\s()]+\.[^\s()]+/?\S*) (v\S+)`)
	replace := regexp.MustCompile(`(?m)^(?:replace\s+|\t)(\S+)(?: \S+)? => (\S+)`)
	versions := map[string]map[string][]string{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		text := files[file]
		for _, m := range replace.FindAllStringSubmatch(text, -1) {
			target := path.Join(path.Dir(file), m[2])
			if !strings.HasPrefix(m[2], ".") || strings.HasPrefix(target, "..") || m[1] != "gatehouse.example/"+target {
				out = append(out, fmt.Sprintf("%s: replaces %s by %s, which is not the folder of that module here", file, m[1], m[2]))
			}
		}
		if file == toolsModule || file == scannersModule {
			continue
		}
		for _, m := range require.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], "gatehouse.example/") {
				continue
			}
			if versions[m[1]] == nil {
				versions[m[1]] = map[string][]string{}
			}
			versions[m[1]][m[2]] = append(versions[m[1]][m[2]], file)
		}
	}
	for _, module := range slices.Sorted(maps.Keys(versions)) {
		if len(versions[module]) > 1 {
			out = append(out, fmt.Sprintf("%s has several versions: %v", module, versions[module]))
		}
	}
	return out
}

func TestModules(t *testing.T) {
	t.Parallel()
	all := map[string]string{}
	for _, file := range repository.Files(t, ".mod") {
		all[repository.Short(file)] = repository.Read(t, file)
	}
	repository.Report(t, modules(all))
}

// TestModulesWithoutTheWorkspace: builds in pipelines do not use go.work, so each
// go.mod and go.sum must be complete.
func TestModulesWithoutTheWorkspace(t *testing.T) {
	t.Parallel()
	for _, file := range repository.Files(t, ".mod") {
		if short := repository.Short(file); short == toolsModule || short == scannersModule {
			continue
		}
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", "./...")
		cmd.Dir = filepath.Dir(file)
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v; run `GOWORK=off go mod tidy` there\n%s", repository.Short(file), err, out)
		}
	}
}

func TestModulesPlanted(t *testing.T) {
	t.Parallel()
	const good = "module gatehouse.example/services/a\n\nrequire (\n\texample.org/x v1.0.0\n\tgatehouse.example/contracts v0.0.0\n)\n\nreplace gatehouse.example/contracts => ../../contracts\n"
	for name, tc := range map[string]struct{ a, b, want string }{
		"good":          {good, good, ""},
		"two_versions":  {good, strings.Replace(good, "x v1.0.0", "x v1.0.1", 1), "example.org/x has several versions"},
		"indirect_too":  {good, strings.Replace(good, "x v1.0.0", "x v1.0.1 // indirect", 1), "several versions"},
		"single_line":   {good, "module m\n\nrequire example.org/x v1.2.0\n", "several versions"},
		"absolute":      {strings.Replace(good, "../../contracts", "/src/contracts", 1), good, "is not the folder"},
		"fork":          {strings.Replace(good, "=> ../../contracts", "=> example.org/fork v1.0.0", 1), good, "is not the folder"},
		"outside":       {strings.Replace(good, "../../contracts", "../../../contracts", 1), good, "is not the folder"},
		"other_folder":  {strings.Replace(good, "../../contracts", "../../rules", 1), good, "is not the folder"},
		"others_module": {strings.Replace(good, "replace gatehouse.example/contracts", "replace example.org/x", 1), good, "is not the folder"},
	} {
		got := strings.Join(modules(map[string]string{"services/a/go.mod": tc.a, "services/b/go.mod": tc.b}), "\n")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
