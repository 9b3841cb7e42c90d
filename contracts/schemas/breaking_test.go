package schemas_test

import (
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts/schemas"
)

const before = `{"type":"object","required":["id"],"properties":{
	"id":{"type":"string"},"kind":{"const":"a"},
	"data":{"type":"object","required":["via"],"properties":{
		"via":{"type":"string","enum":["signup","admin"]},
		"domain":{"type":"string","pattern":"^[a-z]+$","maxLength":9},
		"relay":{"type":"boolean"}}}}}`

func TestBreaking(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, new string // replaced in before
		want     []string
	}{
		"nothing_changed":    {old: `"id"`, new: `"id"`},
		"new_optional":       {old: `"relay":{`, new: `"more":{"type":"string"},"relay":{`},
		"widened_enum":       {old: `"admin"]`, new: `"admin","import"]`},
		"removed_field":      {old: `,"kind":{"const":"a"}`, new: ``, want: []string{"event: field kind was removed"}},
		"removed_in_data":    {old: `"relay":{"type":"boolean"}`, new: `"other":{}`, want: []string{"event.data: field relay was removed"}},
		"new_required":       {old: `["via"]`, new: `["via","domain"]`, want: []string{"event.data: domain is newly required"}},
		"no_longer_required": {old: `["via"]`, new: `[]`, want: []string{"event.data: via is no longer required"}},
		"narrowed_enum":      {old: `["signup","admin"]`, new: `["signup"]`, want: []string{"event.data.via: enum lost admin"}},
		"new_enum":           {old: `"pattern":"^[a-z]+$"`, new: `"pattern":"^[a-z]+$","enum":["a"]`},
		"new_bound":          {old: `"relay":{`, new: `"relay":{"format":"x",`},
		"changed_bound":      {old: `"maxLength":9`, new: `"maxLength":10`, want: []string{"event.data.domain: maxLength 9 became 10"}},
		"bound_gone":         {old: `,"maxLength":9`, new: ``, want: []string{"event.data.domain: maxLength 9 became <nil>"}},
		"closed":             {old: `"data":{`, new: `"data":{"additionalProperties":false,`},
		"enum_gone":          {old: `,"enum":["signup","admin"]`, new: ``, want: []string{"event.data.via: enum [signup admin] became []"}},
		"changed_type":       {old: `"boolean"`, new: `"string"`, want: []string{"event.data.relay: type boolean became string"}},
		"changed_const":      {old: `"const":"a"`, new: `"const":"b"`, want: []string{"event.kind: const a became b"}},
		"changed_pattern":    {old: `^[a-z]+$`, new: `^.*$`, want: []string{`event.data.domain: pattern "^[a-z]+$" became "^.*$"`}},
		"object_is_a_value":  {old: `"id":{"type":"string"}`, new: `"id":{"type":"object"}`, want: []string{"event.id: type string became object"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(before, tc.old) {
				t.Fatalf("nothing to replace: %s", tc.old)
			}
			got, err := schemas.Breaking([]byte(before), []byte(strings.Replace(before, tc.old, tc.new, 1)))
			if err != nil {
				t.Fatalf("Breaking: %v", err)
			}
			// Properties come from a map; what is found among them is sorted.
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Breaking (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBreakingRefusesWhatIsNotASchema(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"{", "{}"}, {"{}", "{"}} {
		if _, err := schemas.Breaking([]byte(pair[0]), []byte(pair[1])); err == nil {
			t.Errorf("Breaking(%q, %q) gave no error", pair[0], pair[1])
		}
	}
}

// TestNothingBreaksSinceTheLastRelease holds for all types. A pipeline asks only
// for those of its service: `make verify` leaves this test out and names who is concerned.
func TestNothingBreaksSinceTheLastRelease(t *testing.T) {
	t.Parallel()
	broken, err := schemas.BrokenSince(os.DirFS("."))
	if err != nil {
		t.Fatalf("BrokenSince: %v", err)
	}
	for typ, changes := range broken {
		for _, change := range changes {
			t.Errorf("%s: since the last release, %s; give the event a new type instead", typ, change)
		}
	}
}

func TestBrokenSince(t *testing.T) {
	t.Parallel()
	with := func(files map[string]string) fstest.MapFS {
		out := fstest.MapFS{}
		for name, text := range files {
			out[name] = &fstest.MapFile{Data: []byte(text)}
		}
		return out
	}
	tests := map[string]struct {
		files map[string]string
		want  map[string][]string
		err   string
	}{
		"same":     {map[string]string{"a.v1.json": before, "released/a.v1.json": before}, map[string][]string{}, ""},
		"new_type": {map[string]string{"a.v1.json": before, "b.v1.json": before, "released/a.v1.json": before}, map[string][]string{}, ""},
		"changed": {
			map[string]string{"a.v1.json": strings.Replace(before, `"boolean"`, `"string"`, 1), "released/a.v1.json": before},
			map[string][]string{"a.v1": {"event.data.relay: type boolean became string"}}, "",
		},
		"gone":        {map[string]string{"released/a.v1.json": before}, map[string][]string{"a.v1": {"event: the schema a.v1.json is gone"}}, ""},
		"no_schema":   {map[string]string{"a.v1.json": "{", "released/a.v1.json": before}, nil, "a.v1.json"},
		"none_at_all": {map[string]string{"a.v1.json": before}, nil, "make release-contracts"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := schemas.BrokenSince(with(tc.files))
			if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("BrokenSince (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReleasedIsWhatTheTagHas compares the folder with the last tag v*, as far as
// this is a git checkout that has one.
func TestReleasedIsWhatTheTagHas(t *testing.T) {
	t.Parallel()
	tag := lastRelease()
	if tag == "" {
		t.Log("no release tag v*: there is nothing to compare with yet")
		return
	}
	for _, file := range strings.Fields(git(t, "ls-tree", "--name-only", tag, ".")) {
		if path.Ext(file) != ".json" {
			continue
		}
		released, err := os.ReadFile(path.Join(schemas.Released, file))
		if err != nil || string(released) != git(t, "show", tag+":./"+file) {
			t.Errorf("%s/%s is not what %s released: `make release-contracts` belongs to each release, and only there", schemas.Released, file, tag)
		}
	}
}

// lastRelease is the newest tag v* that this commit contains, or empty.
func lastRelease() string {
	out, err := exec.Command("git", "describe", "--tags", "--abbrev=0", "--match", "v*").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", args...).Output()
	if err != nil {
		t.Fatalf("git %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}
