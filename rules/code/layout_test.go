package code

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// maxPackages is a budget for what is not a function: code goes into an existing package
// before the number goes up. A function has two packages of its own, its command and its
// code, because each is deployed and tested alone. Four packages of services, whose names
// end in test, give out what is in a service's internal folder, and the two functions of
// services/passwordless share a third.
const (
	maxPackages         = 86
	packagesPerFunction = 2
)

// packageBudget is the number of packages that the tree may have.
func packageBudget(dirs map[string]string) int {
	n := maxPackages
	for dir := range dirs {
		if path.Base(path.Dir(dir)) == "cmd" && !below(dir, "tools") {
			n += packagesPerFunction
		}
	}
	return n
}

// goOutside finds Go files in the folders for templates and configuration.
// pipeline/tools is a module without code, which pins the versions of tools.
func goOutside(files []string) []string {
	var out []string
	for _, file := range files {
		for _, folder := range []string{"platform/", "pipeline/"} {
			name := path.Base(file)
			isGo := strings.HasSuffix(name, ".go") || name == "go.mod" || name == "go.sum"
			if isGo && strings.HasPrefix(file, folder) && path.Dir(file) != path.Dir(toolsModule) {
				out = append(out, fmt.Sprintf("%s: no Go code belongs in %s; use tools/", file, folder))
			}
		}
	}
	return out
}

// folders are the folders with Go packages, and the package's name in each. A
// package of tests has none: no other package can import it.
func folders(all []source) map[string]string {
	out := map[string]string{}
	for _, s := range all {
		dir := path.Dir(s.path)
		if strings.Contains(s.path, "/testdata/") {
			continue
		}
		out[dir] += ""
		if !strings.HasSuffix(s.path, "_test.go") && len(s.file.Decls) > 0 {
			out[dir] = s.file.Name.Name
		}
	}
	return out
}

// names: no two packages have the same name, so a name identifies a package.
func names(all []source) []string {
	byName := map[string][]string{}
	for dir, name := range folders(all) {
		if name != "" && name != "main" {
			byName[name] = append(byName[name], dir)
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if dirs := byName[name]; len(dirs) > 1 {
			slices.Sort(dirs)
			out = append(out, fmt.Sprintf("%s: several packages have the name %s", strings.Join(dirs, ", "), name))
		}
	}
	return out
}

// localSystem are the packages that exist for the local system only.
var localSystem = []string{
	"tools/internal/demo", "tools/internal/deploy", "tools/internal/local", "tools/internal/proxy", "tools/internal/supervisor",
}

// production are the packages that build for AWS and deploy to it.
var production = []string{
	"tools/cfn", "tools/cmd/builder", "tools/dataloss", "tools/internal/awsdeploy", "tools/internal/builder", "tools/internal/drift", "tools/internal/runner",
	"tools/pipeline", "tools/policy", "tools/sam", "tools/stacks", "tools/template",
}

// localImports: the packages for AWS do not depend on the local system, directly or
// through other packages.
func localImports(all []source, production, localSystem []string) []string {
	imported := map[string][]string{}
	for _, s := range all {
		dir := path.Dir(s.path)
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		imported[dir] = slices.Clip(imported[dir])
		for _, i := range s.file.Imports {
			if name, ok := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), "gatehouse.example/"); ok {
				imported[dir] = append(imported[dir], name)
			}
		}
	}
	var out []string
	for _, list := range [][]string{production, localSystem} {
		for _, folder := range list {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(imported)), func(dir string) bool { return below(dir, folder) }) {
				out = append(out, folder+": no such package; update the list")
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(imported)) {
		if below(dir, production...) {
			if chain := chainTo(imported, localSystem, []string{dir}); chain != nil {
				out = append(out, strings.Join(chain, " imports ")+", which is part of the local system")
			}
		}
	}
	return out
}

// chainTo extends a chain of imports to one of the packages, or returns nil.
func chainTo(imported map[string][]string, targets, chain []string) []string {
	last := chain[len(chain)-1]
	if below(last, targets...) {
		return chain
	}
	for _, next := range imported[last] {
		if found := chainTo(imported, targets, append(slices.Clip(chain), next)); found != nil {
			return found
		}
	}
	return nil
}

func TestTemplateFoldersHoldNoGo(t *testing.T) {
	t.Parallel()
	var files []string
	for _, file := range repository.Files(t, ".go", ".mod", ".sum") {
		files = append(files, repository.Short(file))
	}
	repository.Report(t, goOutside(files))
}

func TestPackages(t *testing.T) {
	t.Parallel()
	all := sources(t)
	repository.Report(t, names(all))
	if n, most := len(folders(all)), packageBudget(folders(all)); n > most {
		t.Errorf("%d packages, more than %d; consider an existing package for the new code", n, most)
	}
}

func TestProductionDoesNotNeedTheLocalSystem(t *testing.T) {
	t.Parallel()
	repository.Report(t, localImports(sources(t), production, localSystem))
}

func TestLayoutRulesPlanted(t *testing.T) {
	t.Parallel()
	local := func(all []source) []string { return localImports(all, []string{"aws"}, []string{"local"}) }
	for name, tc := range map[string]struct {
		check func([]source) []string
		files map[string]string
		want  string
	}{
		"names_differ":      {names, map[string]string{"a/a.go": "package a\nvar x int\n", "b/b.go": "package b\nvar x int\n"}, ""},
		"same_name":         {names, map[string]string{"x/a/a.go": "package a\nvar x int\n", "y/a/a.go": "package a\nvar x int\n"}, "x/a, y/a: several packages have the name a"},
		"commands":          {names, map[string]string{"x/a/a.go": "package main\nvar x int\n", "y/a/a.go": "package main\nvar x int\n"}, ""},
		"only_tests":        {names, map[string]string{"x/a/a.go": "package a\nvar x int\n", "y/a/a_test.go": "package a\nvar x int\n", "y/a/doc.go": "// Package a is.\npackage a\n"}, ""},
		"no_local_import":   {local, map[string]string{"aws/a.go": "package aws\nimport _ \"gatehouse.example/b\"\n", "b/b.go": "package b\n", "local/l.go": "package local\nimport _ \"gatehouse.example/aws\"\n"}, ""},
		"local_import":      {local, map[string]string{"aws/x/a.go": "package x\nimport _ \"gatehouse.example/local\"\n", "local/l.go": "package local\n"}, "aws/x imports local, which"},
		"through_another":   {local, map[string]string{"aws/a.go": "package aws\nimport _ \"gatehouse.example/b\"\n", "b/b.go": "package b\nimport _ \"gatehouse.example/local/x\"\n", "local/x/l.go": "package x\n"}, "aws imports b imports local/x, which"},
		"only_in_a_test":    {local, map[string]string{"aws/a.go": "package aws\n", "aws/a_test.go": "package aws\nimport _ \"gatehouse.example/local\"\n", "local/l.go": "package local\n"}, ""},
		"package_was_moved": {local, map[string]string{"aws/a.go": "package aws\n"}, "local: no such package"},
	} {
		var all []source
		for _, path := range slices.Sorted(maps.Keys(tc.files)) {
			s, err := parseGo(path, tc.files[path])
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		got := strings.Join(tc.check(all), "\n")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: findings %q, want one with %q", name, got, tc.want)
		}
	}
	got := goOutside([]string{"platform/a.go", "pipeline/run/go.mod", "pipeline/tools/go.mod", "pipeline/tools/go.sum", "tools/a.go", "platform/template.yaml"})
	if len(got) != 2 {
		t.Errorf("findings %q, want platform/a.go and pipeline/run/go.mod", got)
	}
}
