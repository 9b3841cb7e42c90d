package code

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatehouse.example/rules/repository"
)

const (
	softFileLines = 300
	maxFileLines  = 400
	functionLines = 60
)

// source is one Go file.
type source struct {
	path string // relative to the repository
	text string
	file *ast.File
	set  *token.FileSet
}

func parseGo(path, text string) (source, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, fmt.Errorf("parser.ParseFile: %w", err)
	}
	return source{path: path, text: text, file: file, set: set}, nil
}

// position returns the position of a node as file:line.
func (s source) position(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.set.Position(n.Pos()).Line)
}

var (
	parseOnce sync.Once
	parsed    []source
)

// sources returns all Go files of the repository. The tests share them and do not
// change them.
func sources(t *testing.T) []source {
	t.Helper()
	parseOnce.Do(func() {
		for _, path := range repository.Files(t, ".go") {
			s, err := parseGo(repository.Short(path), repository.Read(t, path))
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, s)
		}
	})
	return parsed
}

// packageDocs: each package has exactly one doc comment.
func packageDocs(all []source) []string {
	docs, packages := map[string][]string{}, map[string]bool{}
	for _, s := range all {
		if strings.Contains(s.path, "/testdata/") {
			continue
		}
		dir := path.Dir(s.path)
		packages[dir] = true
		if s.file.Doc != nil {
			docs[dir] = append(docs[dir], path.Base(s.path))
		}
	}
	var out []string
	for dir := range packages {
		if len(docs[dir]) != 1 {
			out = append(out, fmt.Sprintf("%s: %d package comments, want one %v", dir, len(docs[dir]), docs[dir]))
		}
	}
	slices.Sort(out)
	return out
}

// sizes limits the length of functions and files.
func sizes(all []source) (findings, hints []string) {
	for _, s := range all {
		if n := strings.Count(s.text, "\n"); n > maxFileLines {
			findings = append(findings, fmt.Sprintf("%s: %d lines, more than %d", s.path, n, maxFileLines))
		} else if n > softFileLines {
			hints = append(hints, fmt.Sprintf("%s: %d lines; consider two files", s.path, n))
		}
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1; n > functionLines {
				findings = append(findings, fmt.Sprintf("%s: %s has %d lines, more than %d", s.path, f.Name.Name, n, functionLines))
			}
		}
	}
	return findings, hints
}

// imports: services share only contracts and lambdakit.
func imports(all []source) []string {
	var out []string
	for _, s := range all {
		parts := strings.Split(s.path, "/")
		if parts[0] != "services" && parts[0] != "examples" {
			continue
		}
		own := "gatehouse.example/" + parts[0] + "/" + parts[1]
		for _, i := range s.file.Imports {
			name := strings.Trim(i.Path.Value, `"`)
			if !strings.HasPrefix(name, "gatehouse.example/") {
				continue
			}
			for _, allowed := range []string{own, "gatehouse.example/contracts", "gatehouse.example/lambdakit"} {
				if name == allowed || strings.HasPrefix(name, allowed+"/") {
					name = ""
					break
				}
			}
			if name != "" {
				out = append(out, s.path+": imports "+name+"; services share only contracts/ and lambdakit/")
			}
		}
	}
	return out
}

// localWords: the code of functions does not mention the local system.
func localWords(all []source) []string {
	var out []string
	for _, s := range all {
		if !strings.HasPrefix(s.path, "services/") {
			continue
		}
		for _, word := range []string{"local " + "emulator", "mini" + "stack", "gatehouse " + "local"} {
			if strings.Contains(strings.ToLower(s.text), word) {
				out = append(out, s.path+": contains '"+word+"'")
			}
		}
	}
	return out
}

func TestPackageDocs(t *testing.T) {
	t.Parallel()
	repository.Report(t, packageDocs(sources(t)))
}

func TestSizes(t *testing.T) {
	t.Parallel()
	findings, hints := sizes(sources(t))
	repository.Report(t, findings)
	for _, h := range hints {
		t.Log(h)
	}
}

func TestImports(t *testing.T) {
	t.Parallel()
	repository.Report(t, imports(sources(t)))
}

func TestServicesDoNotMentionTheLocalSystem(t *testing.T) {
	t.Parallel()
	repository.Report(t, localWords(sources(t)))
}

func TestGoRulesPlanted(t *testing.T) {
	t.Parallel()
	sized := func(s []source) []string { f, _ := sizes(s); return f }
	lines := strings.Repeat("\t_ = 1\n", 61)
	tests := map[string]struct {
		check func([]source) []string
		files map[string]string
		want  string
	}{
		"good":            {packageDocs, map[string]string{"a/a.go": "// Package a is.\npackage a\n", "a/b.go": "package a\n"}, ""},
		"no_doc":          {packageDocs, map[string]string{"a/a.go": "package a\n"}, "0 package comments"},
		"two_docs":        {packageDocs, map[string]string{"a/a.go": "// Package a is.\npackage a\n", "a/b.go": "// Package a is.\npackage a\n"}, "2 package comments"},
		"long_function":   {sized, map[string]string{"a/a.go": "package a\nfunc f() {\n" + lines + "}\n"}, "f has 63 lines"},
		"long_in_a_test":  {sized, map[string]string{"a/a_test.go": "package a\nfunc f() {\n" + lines + "}\n"}, ""},
		"long_file":       {sized, map[string]string{"a/a.go": "package a\n" + strings.Repeat("\n", 400)}, "401 lines"},
		"own_and_shared":  {imports, map[string]string{"services/a/a.go": "package a\nimport (\n_ \"gatehouse.example/services/a/b\"\n_ \"gatehouse.example/lambdakit/publish\"\n_ \"fmt\")\n"}, ""},
		"other_service":   {imports, map[string]string{"services/a/a.go": "package a\nimport _ \"gatehouse.example/services/b/c\"\n"}, "imports gatehouse.example/services/b/c"},
		"name_alike":      {imports, map[string]string{"services/a/a.go": "package a\nimport _ \"gatehouse.example/services/ab\"\n"}, "imports gatehouse.example/services/ab"},
		"tool_may_import": {imports, map[string]string{"cli/a.go": "package a\nimport _ \"gatehouse.example/tools/internal/local\"\n"}, ""},
		"local_word":      {localWords, map[string]string{"services/a/a.go": "package a\n// For the Mini" + "Stack.\n"}, "contains"},
		"local_elsewhere": {localWords, map[string]string{"cli/a.go": "package a\n// For the mini" + "stack.\n"}, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []source
			for path, text := range tc.files {
				s, err := parseGo(path, text)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, s)
			}
			got := strings.Join(tc.check(all), "\n")
			if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("findings %q, want one with %q", got, tc.want)
			}
		})
	}
}
