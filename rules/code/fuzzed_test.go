package code

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// reads are the names of functions that read what comes from outside.
var reads = regexp.MustCompile(`^(?i:parse|decode|unmarshal)`)

// isDeployed reports a Go file whose code runs on AWS.
func isDeployed(file string) bool {
	first, _, _ := strings.Cut(file, "/")
	// A command that an operator runs is not deployed.
	return slices.Contains([]string{"contracts", "lambdakit", "services", "examples"}, first) && !strings.Contains(file, "/refresh/") && !strings.Contains(file, "/catalogue/")
}

// fuzzed returns the functions of a package, given as its files, that read and that no
// fuzz test reaches, and the fuzz tests. A function reaches those that it names.
func fuzzed(files map[string]string) (missing, fuzz []string, err error) {
	names := map[string]map[string]bool{} // what each function names
	var readers []string
	for file, source := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, fmt.Errorf("parser.ParseFile: %w", err)
		}
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := f.Name.Name
			if names[name] == nil {
				names[name] = map[string]bool{}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					names[name][id.Name] = true
				}
				return true
			})
			isTest := strings.HasSuffix(file, "_test.go")
			if isTest && f.Recv == nil && strings.HasPrefix(name, "Fuzz") {
				fuzz = append(fuzz, name)
			}
			if !isTest && f.Recv == nil && reads.MatchString(name) {
				readers = append(readers, name)
			}
		}
	}
	reached, next := map[string]bool{}, slices.Clone(fuzz)
	for len(next) > 0 {
		one := next[0]
		if next = next[1:]; !reached[one] {
			reached[one] = true
			next = append(next, slices.Collect(maps.Keys(names[one]))...)
		}
	}
	readers = slices.DeleteFunc(readers, func(name string) bool { return reached[name] })
	slices.Sort(readers)
	return readers, fuzz, nil
}

// TestDecodersAreFuzzed: what reads input in a function has a fuzz test, and each fuzz
// test has a corpus that is kept.
func TestDecodersAreFuzzed(t *testing.T) {
	t.Parallel()
	packages := map[string]map[string]string{}
	for _, file := range repository.Files(t, ".go") {
		if short := repository.Short(file); isDeployed(short) {
			dir := path.Dir(short)
			if packages[dir] == nil {
				packages[dir] = map[string]string{}
			}
			packages[dir][short] = repository.Read(t, file)
		}
	}
	total := 0
	for dir, files := range packages {
		missing, fuzz, err := fuzzed(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range missing {
			t.Errorf("%s: no fuzz test reaches %s", dir, name)
		}
		total += len(fuzz)
		for _, name := range fuzz {
			kept, err := os.ReadDir(filepath.Join(repository.Root, filepath.FromSlash(dir), "testdata", "fuzz", name))
			if err != nil || len(kept) == 0 {
				t.Errorf("%s: %s has no corpus in testdata/fuzz; keep some of what 'make fuzz' found", dir, name)
			}
		}
	}
	if total < 12 {
		t.Errorf("%d fuzz tests; were they moved?", total)
	}
}

func TestDecodersAreFuzzedPlanted(t *testing.T) {
	t.Parallel()
	const code = "package x\nfunc Parse() { inner() }\nfunc inner() { decodeText() }\nfunc decodeText() {}\nfunc (s) Decode() {}\nfunc render() {}\n"
	for name, tc := range map[string]struct{ test, want string }{
		"direct":   {"package x\nfunc FuzzA(f *testing.F) { Parse() }\n", ""},
		"helper":   {"package x\nfunc FuzzA(f *testing.F) { help() }\nfunc help() { x.Parse() }\n", ""},
		"inner":    {"package x\nfunc FuzzA(f *testing.F) { decodeText() }\n", "Parse"},
		"no_fuzz":  {"package x\nfunc TestA(t *testing.T) { Parse() }\n", "Parse decodeText"},
		"no_tests": {"package x\n", "Parse decodeText"},
	} {
		missing, _, err := fuzzed(map[string]string{"x/a.go": code, "x/a_test.go": tc.test})
		if got := strings.Join(missing, " "); err != nil || got != tc.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tc.want)
		}
	}
	for file, want := range map[string]bool{"services/api/internal/handler/handler.go": true, "tools/sam/x.go": false, "contracts/codec.go": true} {
		if isDeployed(file) != want {
			t.Errorf("isDeployed(%s) = %v", file, !want)
		}
	}
}
