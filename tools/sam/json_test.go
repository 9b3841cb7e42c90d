package sam

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRewrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "template.yaml", "Version: 2012-10-17\nOn: true\nN: [1, 0.5, ~, '007', 007a]\nF: {Fn::Sub: \"a <${B}> \\\"\\n\"}\nEmpty: {}\n200: {a: []}\n")
	put(t, dir, "Nested/template.yaml", "A: b\n")
	put(t, dir, "F/bootstrap", "!")
	if err := rewrite(dir); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"Version": "2012-10-17", "On": true, "N": []any{1.0, 0.5, nil, "007", "007a"}, "F": map[string]any{"Fn::Sub": "a <${B}> \"\n"},
		"Empty": map[string]any{}, "200": map[string]any{"a": []any{}},
	}
	for name, want := range map[string]any{"template.yaml": want, "Nested/template.yaml": map[string]any{"A": "b"}} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, raw)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, text := range []string{"A: !Ref B\n", "A: !!binary aGk=\n", "? [a]\n: b\n", "a: &a {b: c}\nd: *a\n", "A: .nan\n"} {
		put(t, dir, "template.yaml", text)
		if err := rewrite(dir); err == nil || !strings.Contains(err.Error(), "template.yaml") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}
