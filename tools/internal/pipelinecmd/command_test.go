package pipelinecmd

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// silent discards what is printed.
type silent struct{}

func (silent) Print(string) {}

func TestAsk(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		asker asker
		want  bool
		err   string
	}{
		"approve":     {asker{approve: true}, true, ""},
		"reject":      {asker{reject: true}, false, ""},
		"no_terminal": {asker{}, false, "add --approve or --reject"},
		"yes":         {asker{terminal: true, in: strings.NewReader("yes\n")}, true, ""},
		"no":          {asker{terminal: true, in: strings.NewReader("no\n")}, false, ""},
		"nothing":     {asker{terminal: true, in: strings.NewReader("")}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.asker.board = silent{}
			got, err := tc.asker.ask(t.Context(), "?")
			if got != tc.want || (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

// An approval that times out is not given.
func TestAskTimesOut(t *testing.T) {
	t.Parallel()
	late := errors.New("too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(late)
	r, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	if yes, err := (asker{terminal: true, in: r, board: silent{}}).ask(ctx, "?"); yes || !errors.Is(err, late) {
		t.Errorf("got %v, %v", yes, err)
	}
}

func TestNestedURL(t *testing.T) {
	t.Parallel()
	got := nestedURL.ReplaceAllString("    TemplateURL: roles/api.yaml\n    {TemplateURL: roles/b.yaml, Parameters: {}}\n    TemplateURL: !Sub https://x/${y}.yaml\n    Other: roles/a.yaml\n", "$1<$2>$3")
	if want := "    TemplateURL: <roles/api.yaml>\n    {TemplateURL: <roles/b.yaml>, Parameters: {}}\n    TemplateURL: !Sub https://x/${y}.yaml\n    Other: roles/a.yaml\n"; got != want {
		t.Errorf("got %q", got)
	}
}
