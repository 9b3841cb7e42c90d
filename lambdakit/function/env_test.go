package function_test

import (
	"strings"
	"testing"

	"gatehouse.example/lambdakit/function"
)

func TestReadEnv(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"A": "1", "B": "2"}
	var a, b, c string
	if err := function.ReadEnv(func(n string) string { return vars[n] }, map[string]*string{"A": &a, "B": &b}); err != nil || a != "1" || b != "2" {
		t.Errorf("ReadEnv = %v; %q %q", err, a, b)
	}
	err := function.ReadEnv(func(n string) string { return vars[n] }, map[string]*string{"A": &a, "C": &c})
	if err == nil || !strings.Contains(err.Error(), "variable C ") {
		t.Errorf("ReadEnv = %v, want it to name C", err)
	}
}
