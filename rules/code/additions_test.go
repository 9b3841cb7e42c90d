package code

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// countsFile has the one update of DynamoDB that adds: its condition lets a repeated call add
// once.
const countsFile = "services/user-events/internal/metrics/counts.go"

// limitFile counts tries. If a repeated call counts twice, somebody is refused a try too early.
const limitFile = "services/migration/internal/usermigration/limit.go"

// attemptsFile counts attempts to sign in. Its client makes one attempt for each call, and an
// attempt that counts twice would only end a sign-in earlier.
const attemptsFile = "services/passwordless/internal/challenge/store.go"

// addition is an update expression that adds to a number.
var addition = regexp.MustCompile(`\bADD [#:\w.]+ :|= *[#\w.]+ *[+-] *:|if_not_exists\([^)]*\) *[+-]`)

// additions: whoever adds in DynamoDB uses metrics.Counts. The SDK repeats a call whose answer
// was lost, and an addition is made again each time.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.AtomicCounters
func additions(all []source) []string {
	var out []string
	for _, s := range all {
		if strings.HasSuffix(s.path, "_test.go") || s.path == countsFile || s.path == limitFile || s.path == attemptsFile {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && addition.MatchString(text.Value) {
				out = append(out, s.position(text)+": an addition in DynamoDB, which a repeated call makes again; use metrics.Counts")
			}
			return true
		})
	}
	return out
}

func TestAdditions(t *testing.T) {
	t.Parallel()
	repository.Report(t, additions(sources(t)))
}

func TestAdditionsPlanted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, text string
		finds      int
	}{
		"add":        {"services/api/a.go", "SET #expires = :expires ADD #tokens :n", 1},
		"plus":       {"services/api/a.go", "SET #n = #n + :one", 1},
		"from_zero":  {"services/api/a.go", "SET #n = if_not_exists(#n, :zero) + :one", 1},
		"set":        {"services/api/a.go", "SET #seen = :yes, #expires = :at", 0},
		"prose":      {"services/api/a.go", "ADD a line", 0},
		"a_test":     {"services/api/a_test.go", "ADD #tokens :n", 0},
		"the_counts": {countsFile, "ADD #sum :n", 0},
		"the_limit":  {limitFile, "ADD #sum :one", 0},
	} {
		s, err := parseGo(tc.path, "package a\nvar a = `"+tc.text+"`\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := additions([]source{s}); len(got) != tc.finds {
			t.Errorf("%s: %q, want %d findings", name, got, tc.finds)
		}
	}
}
