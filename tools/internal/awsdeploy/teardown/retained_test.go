package retained

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template string
		want     map[string]string
	}{
		"yaml":  {"Resources:\n  A: {Type: T, DeletionPolicy: Retain, Properties: {X: !Sub '${Y}'}}\n  B: {Type: U}\n", map[string]string{"A": "T"}},
		"json":  {`{"Resources": {"A": {"Type": "T", "DeletionPolicy": "RetainExceptOnCreate"}, "B": {"Type": "U", "DeletionPolicy": "Delete"}}}`, map[string]string{"A": "T"}},
		"empty": {"Resources: {}", map[string]string{}},
		"if":    {"Resources:\n  A: {Type: T, DeletionPolicy: !If [X, Retain, Delete]}\n", map[string]string{}},
	} {
		got, err := In([]byte(tc.template))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := In([]byte("[")); err == nil {
		t.Error("what is no template was read")
	}
}

func FuzzIn(f *testing.F) {
	f.Add([]byte("Resources: {A: {DeletionPolicy: Retain}}"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = In(text) // must not panic
	})
}
