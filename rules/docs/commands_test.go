package docs

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// command is one command that a page or the tool shows, as a shell would run it.
type command struct {
	where string
	args  []string // the first one is aws or gatehouse
}

// unknown stands for each value that is only known when somebody types the command. It
// has the form of a UUID, which some requests check.
const unknown = "00000000-0000-0000-0000-000000000000"

// prelude makes a shell that runs nothing and records the commands. Each value that is
// not known is a word, so that a request has every parameter.
const prelude = `
record() { printf '%s\037' "$@" >>"$RECORD"; printf '\036' >>"$RECORD"; echo 00000000-0000-0000-0000-000000000000; }
aws() { record aws "$@"; }
gatehouse() { record gatehouse "$@"; }
date() { echo 1700000000; }
command_not_found_handle() { return 0; }
PATH=/nonexistent AWS_ENDPOINT_URL=http://127.0.0.1
`

var (
	fence    = regexp.MustCompile("(?m)^ *```(sh|bash)\n((?:.*\n)*?) *```$")
	span     = regexp.MustCompile("`((?:aws|gatehouse) [a-z][^`]*)`")
	unset    = regexp.MustCompile(`\$\{?([A-Z][A-Z_]+)`)
	blank    = regexp.MustCompile(`<[A-Za-z][^<>|&\n]*>`)
	verb     = regexp.MustCompile(`%(\[\d+\])?[-+0-9.]*[a-z]`)
	printed  = regexp.MustCompile(`(?:^|[ ':(])((?:aws|gatehouse) [a-z][a-z0-9-]* [a-z][^\n]*)`)
	endOfOne = regexp.MustCompile(`; |, | {3}|' |'$|\)$|: `)
)

// onPage returns the commands in the blocks of a page, and in its text those with a flag.
// Without a flag, text names a command and does not show one.
func onPage(t *testing.T, where, page string) []command {
	t.Helper()
	var blocks []string
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		blocks = append(blocks, m[2])
	}
	for _, m := range span.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		if one := strings.Join(strings.Fields(m[1]), " "); strings.Contains(one, " --") {
			blocks = append(blocks, one)
		}
	}
	return recorded(t, where, blocks)
}

// recorded runs pieces of shell in one shell that only records.
func recorded(t *testing.T, where string, pieces []string) []command {
	t.Helper()
	if len(pieces) == 0 {
		return nil
	}
	dir := t.TempDir()
	script := prelude
	for _, m := range unset.FindAllStringSubmatch(strings.Join(pieces, "\n"), -1) {
		script += fmt.Sprintf(": \"${%s:=%s}\"\n", m[1], unknown)
	}
	for i, piece := range pieces {
		file := filepath.Join(dir, fmt.Sprintf("piece%d", i))
		if err := os.WriteFile(file, []byte(blank.ReplaceAllString(piece, unknown)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		script += "{ . " + file + "; } </dev/null\n"
	}
	record := filepath.Join(dir, "record")
	bash := exec.CommandContext(t.Context(), "bash", "-c", script)
	bash.Dir, bash.Env = dir, []string{"RECORD=" + record}
	if out, err := bash.CombinedOutput(); bytes.Contains(out, []byte("syntax error")) {
		t.Errorf("%s: %v: %s", where, err, out)
	}
	raw, err := os.ReadFile(record)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var out []command
	for one := range strings.SplitSeq(string(raw), "\x1e") {
		if args := strings.Split(strings.TrimSuffix(one, "\x1f"), "\x1f"); len(args) > 1 {
			out = append(out, command{where, args})
		}
	}
	return out
}

// inCode returns the commands in the texts of a Go file. A value that is only known when
// the program runs is a word.
func inCode(t *testing.T, where, source string) []command {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), where, source, 0)
	if err != nil {
		t.Fatalf("parser.ParseFile: %v", err)
	}
	constants := map[string]string{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == len(spec.Names) {
			for i, name := range spec.Names {
				if text, isText := textOf(spec.Values[i], constants); isText {
					constants[name.Name] = text
				}
			}
		}
		return true
	})
	var pieces []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		expr, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		if _, isName := n.(*ast.Ident); isName {
			return true
		}
		text, isText := textOf(expr, constants)
		if !isText {
			return true
		}
		pieces = append(pieces, printedIn(text)...)
		return false
	})
	return recorded(t, where, pieces)
}

// printedIn finds commands in a text. A command ends at the end of the line, or before a
// semicolon, a comma, a quote or three spaces.
func printedIn(text string) []string {
	var out []string
	for line := range strings.Lines(verb.ReplaceAllString(text, unknown)) {
		for m := printed.FindStringSubmatchIndex(line); m != nil; m = printed.FindStringSubmatchIndex(line) {
			one := strings.TrimSpace(line[m[2]:m[3]])
			line = line[m[2]+1:]
			if end := endOfOne.FindStringIndex(one); end != nil {
				one = one[:end[0]]
			}
			out = append(out, one)
		}
	}
	return out
}

// textOf evaluates a string expression. What is not a constant is a word.
func textOf(e ast.Expr, constants map[string]string) (text string, isText bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return constant.StringVal(constant.MakeFromLiteral(e.Value, token.STRING, 0)), true
		}
	case *ast.Ident:
		if text, known := constants[e.Name]; known {
			return text, true
		}
	case *ast.BinaryExpr:
		left, isLeft := textOf(e.X, constants)
		right, isRight := textOf(e.Y, constants)
		if e.Op != token.ADD || !isLeft && !isRight {
			return "", false
		}
		if !isLeft {
			left = unknown
		}
		if !isRight {
			right = unknown
		}
		return left + right, true
	}
	return "", false
}

// withoutFiles replaces arguments that name a file by an empty document.
func withoutFiles(args []string) []string {
	out := slices.Clone(args)
	for i, a := range out {
		if strings.HasPrefix(a, "file://") || strings.HasPrefix(a, "fileb://") {
			out[i] = "{}"
		}
	}
	return out
}

// refusedByAWS runs commands through the real CLI's parser and the services' models: those
// that it has not accepted before, each once.
func refusedByAWS(t *testing.T, all []command) []string {
	t.Helper()
	const script = "commands.py"
	var lists [][]string
	var asked []command
	var passes []repository.Passed
	seen := map[string]bool{}
	for _, c := range all {
		args := withoutFiles(c.args[1:])
		key := strings.Join(args, " ")
		if pass := repository.Unchanged(t, "command", args, script, repository.LintPins()); !pass.Known && !seen[key] {
			lists, asked, passes = append(lists, args), append(asked, c), append(passes, pass)
		}
		seen[key] = true
	}
	if len(lists) == 0 {
		return nil
	}
	input, err := json.Marshal(lists)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), repository.Python(t), script)
	var problems bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &problems
	answer, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, problems.String())
	}
	var found, out []string
	if err := json.Unmarshal(answer, &found); err != nil {
		t.Fatal(err)
	}
	for i, problem := range found {
		if problem == "" {
			passes[i].Remember(t, nil)
			continue
		}
		out = append(out, fmt.Sprintf("%s: %s: %s", asked[i].where, strings.Join(asked[i].args, " "), problem))
	}
	return out
}

// built is the tool, and the hash of its bytes. It is kept, so that go build links it after
// a change only.
func built(t *testing.T) (tool, sum string) {
	t.Helper()
	tool = filepath.Join(repository.Root, ".local", "passed", "gatehouse")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", tool, "gatehouse.example/tools/cmd/gatehouse").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return tool, fmt.Sprintf("%x", sha256.Sum256([]byte(repository.Read(t, tool))))
}

// refusedByGatehouse parses commands with the built tool, which then shows its help: those
// that this build has not accepted before.
func refusedByGatehouse(t *testing.T, all []command) []string {
	t.Helper()
	tool, sum := built(t)
	pass := repository.Unchanged(t, "help", []string{sum})
	accepted := map[string]bool{}
	if pass.Known {
		for _, line := range strings.Split(string(pass.Answer(t)), "\n") {
			accepted[line] = true
		}
	}
	var out []string
	for _, c := range all {
		key := strings.Join(c.args, " ")
		if accepted[key] {
			continue
		}
		if problem := helpOf(t, tool, c.args[1:]); problem != "" {
			out = append(out, c.where+": "+key+": "+problem)
			continue
		}
		accepted[key] = true
	}
	pass.Remember(t, []byte(strings.Join(slices.Sorted(maps.Keys(accepted)), "\n")))
	return out
}

func helpOf(t *testing.T, tool string, args []string) string {
	t.Helper()
	help, err := exec.CommandContext(t.Context(), tool, append(slices.Clone(args), "--help")...).CombinedOutput()
	if err != nil {
		return strings.TrimSpace(string(help))
	}
	_, help, _ = bytes.Cut(help, []byte("Usage:"))
	help, _, _ = bytes.Cut(help, []byte("\n\n"))
	usage := regexp.MustCompile(`(?m)^  gatehouse((?: [a-z-]+)*)( \[command\])?`).FindAllSubmatch(help, -1)
	if usage == nil {
		return "it shows no usage"
	}
	for _, m := range usage {
		path := strings.Fields(string(m[1]))
		group := len(m[2]) > 0 && len(args) > len(path) && !strings.HasPrefix(args[len(path)], "-")
		if len(args) < len(path) || !slices.Equal(path, args[:len(path)]) || group {
			return "no such command"
		}
	}
	return ""
}

// TestShownCommands: every command of the AWS CLI and of gatehouse that a page shows or
// the tool prints is accepted by the program.
func TestShownCommands(t *testing.T) {
	t.Parallel()
	var aws, own []command
	for _, file := range repository.Files(t, ".md", ".go") {
		where := repository.Short(file)
		// Tests type the blocks of the walkthrough; the transcript is one's output.
		if strings.HasSuffix(where, "_test.go") || strings.Contains(where, "testdata/") || slices.Contains([]string{"CHANGELOG.md", "docs/walkthrough.md", "docs/transcript.md"}, where) {
			continue
		}
		text := repository.Read(t, file)
		if !strings.Contains(text, "aws ") && !strings.Contains(text, "gatehouse ") {
			continue
		}
		found := onPage
		if strings.HasSuffix(where, ".go") {
			found = inCode
		}
		for _, c := range found(t, where, text) {
			if c.args[0] == "aws" {
				aws = append(aws, c)
			} else {
				own = append(own, c)
			}
		}
	}
	t.Logf("%d commands of the AWS CLI, %d of gatehouse", len(aws), len(own))
	if len(aws) < 60 || len(own) < 10 {
		t.Errorf("%d commands of the AWS CLI and %d of gatehouse; were the pages moved?", len(aws), len(own))
	}
	repository.Report(t, refusedByAWS(t, aws))
	repository.Report(t, refusedByGatehouse(t, own))
}
