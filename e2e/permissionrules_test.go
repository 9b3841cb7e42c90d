package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsed(t *testing.T) {
	t.Parallel()
	calls, err := readCalls(strings.NewReader(`{"role":"r","action":"sns:Publish","resource":"arn:t","allowed":true,"count":2}
{"role":"r","action":"sqs:SendMessage","resource":"arn:q","allowed":false,"count":1}`))
	if err != nil {
		t.Fatal(err)
	}
	for a, want := range map[permission]bool{
		{Action: "SNS:publish", Resource: "arn:t"}:    true,
		{Action: "sns:*", Resource: "*"}:              true,
		{Action: "sns:Publish", Resource: "arn:u"}:    false,
		{Action: "sqs:SendMessage", Resource: "*"}:    false, // it was refused
		{Action: "sns:Subscribe", Resource: "arn:t*"}: false,
	} {
		if got := a.used(calls); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
	if _, err := readCalls(strings.NewReader("{")); err == nil {
		t.Error("half a line was read")
	}
}

func TestOfPolicy(t *testing.T) {
	t.Parallel()
	got, err := permissionsOfPolicy(`{"Statement":[{"Effect":"Allow","Action":["a:B","a:C"],"Resource":"x"},{"Effect":"Deny","Action":"*","Resource":"*"},{"Effect":"Allow","Action":"d:E","Resource":["y","z"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []permission{{"", "a:B", "x"}, {"", "a:C", "x"}, {"", "d:E", "y"}, {"", "d:E", "z"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}
}

func TestParseList(t *testing.T) {
	t.Parallel()
	list, err := parsePermissionList("# Because of\n# two lines.\ns/R  a:B  x\ns/R a:C y\n# Another.\ns/R d:E z\n\n# A third.\ns/Q d:E z sometimes\n")
	if err != nil {
		t.Fatal(err)
	}
	want := permissionList{
		{"s/R", "a:B", "x"}: {"Because of two lines.", false}, {"s/R", "a:C", "y"}: {"Because of two lines.", false},
		{"s/R", "d:E", "z"}: {"Another.", false}, {"s/Q", "d:E", "z"}: {"A third.", true},
	}
	if diff := cmp.Diff(want, list, cmp.AllowUnexported(excuse{})); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"no_reason":     {"s/R a:B x\n", "line 1: s/R a:B x has no reason"},
		"reason_before": {"# A.\n\ns/R a:B x\n", "line 3"},
		"short":         {"# A.\ns/R a:B\n", "want a role, an action, a resource"},
		"fourth_word":   {"# A.\ns/R a:B x often\n", "perhaps 'sometimes'"},
		"twice":         {"# A.\ns/R a:B x\ns/R a:B x\n", "twice"},
	} {
		if _, err := parsePermissionList(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	why, sometimes := excuse{reason: "why"}, excuse{"why", true}
	list := permissionList{
		{"s/R", "a:B", "x"}: why, {"s/R", "old:Action", "x"}: why,
		{"s/R", "used:Now", "x"}: sometimes, {"s/R", "unused:Now", "x"}: sometimes, {"s/R", "gone:Action", "x"}: sometimes,
		{"s/R", "refused:a:B", "x"}: sometimes, {"s/R", "refused:a:C", "x"}: why,
		{"*/*Role", "logs:Put", "log:*"}: why, {"*/*Role", "nobody:Has", "*"}: why,
	}
	unused := []permission{
		{"s/R", "a:B", "x"}, {"s/R", "new:Action", "x"}, {"s/R", "unused:Now", "x"},
		{"s/FunctionRole", "logs:Put", "log:a"}, {"t/OtherRole", "logs:Put", "log:b"}, {"t/OtherRole", "logs:Put", "other"},
	}
	got := list.compare(unused, append(unused, permission{"s/R", "used:Now", "x"}))
	want := []string{
		"not used, so remove it from the template or list it with its reason: s/R  new:Action  x",
		"not used, so remove it from the template or list it with its reason: t/OtherRole  logs:Put  other",
		"used by a call, or in no role any longer, so remove it from the list: */*Role  nobody:Has  *",
		"used by a call, or in no role any longer, so remove it from the list: s/R  gone:Action  x",
		"used by a call, or in no role any longer, so remove it from the list: s/R  old:Action  x",
		"used by a call, or in no role any longer, so remove it from the list: s/R  refused:a:C  x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestExcuse(t *testing.T) {
	t.Parallel()
	list := permissionList{{"s/R", "refused:a:B", "log:/elsewhere/*"}: {reason: "why"}}
	if got, ok := list.find(permission{"s/R", "refused:a:B", "log:/elsewhere/1"}); !ok || got.Resource != "log:/elsewhere/*" {
		t.Errorf("got %v, %v", got, ok)
	}
	for _, a := range []permission{{"s/Q", "refused:a:B", "log:/elsewhere/1"}, {"s/R", "a:B", "log:/elsewhere/1"}, {"s/R", "refused:a:B", "log:/own/1"}} {
		if _, ok := list.find(a); ok {
			t.Errorf("%s is excused", a)
		}
	}
}

func FuzzParseList(f *testing.F) {
	f.Add("# A.\ns/R a:B x\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = parsePermissionList(text) // must not panic
	})
}
