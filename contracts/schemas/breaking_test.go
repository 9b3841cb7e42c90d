package schemas_test

import (
	"os/exec"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts/schemas"
)

const before = `{"type":"object","required":["id"],"properties":{
	"id":{"type":"string"},"kind":{"const":"a"},
	"data":{"type":"object","required":["via"],"properties":{
		"via":{"type":"string","enum":["signup","admin"]},
		"domain":{"type":"string","pattern":"^[a-z]+$"},
		"relay":{"type":"boolean"}}}}}`

func TestBreaking(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, new string // replaced in before
		want     []string
	}{
		"nothing_changed":   {old: `"id"`, new: `"id"`},
		"new_optional":      {old: `"relay":{`, new: `"more":{"type":"string"},"relay":{`},
		"widened_enum":      {old: `"admin"]`, new: `"admin","import"]`},
		"removed_field":     {old: `,"kind":{"const":"a"}`, new: ``, want: []string{"event: field kind was removed"}},
		"removed_in_data":   {old: `"relay":{"type":"boolean"}`, new: `"other":{}`, want: []string{"event.data: field relay was removed"}},
		"new_required":      {old: `["via"]`, new: `["via","domain"]`, want: []string{"event.data: domain is newly required"}},
		"no_longer_there":   {old: `["via"]`, new: `[]`, want: []string{"event.data: via is no longer always there"}},
		"narrowed_enum":     {old: `["signup","admin"]`, new: `["signup"]`, want: []string{"event.data.via: enum lost admin"}},
		"enum_gone":         {old: `,"enum":["signup","admin"]`, new: ``, want: []string{"event.data.via: enum [signup admin] became []"}},
		"changed_type":      {old: `"boolean"`, new: `"string"`, want: []string{"event.data.relay: type boolean became string"}},
		"changed_const":     {old: `"const":"a"`, new: `"const":"b"`, want: []string{"event.kind: const a became b"}},
		"changed_pattern":   {old: `^[a-z]+$`, new: `^.*$`, want: []string{`event.data.domain: pattern "^[a-z]+$" became "^.*$"`}},
		"object_is_a_value": {old: `"id":{"type":"string"}`, new: `"id":{"type":"object"}`, want: []string{"event.id: type string became object"}},
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

func TestBreakingRefusesWhatIsNoSchema(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"{", "{}"}, {"{}", "{"}} {
		if _, err := schemas.Breaking([]byte(pair[0]), []byte(pair[1])); err == nil {
			t.Errorf("Breaking(%q, %q) gave no error", pair[0], pair[1])
		}
	}
}

// TestNothingBreaksSinceTheLastRelease compares with the last tag v*, as far as
// this is a git checkout that has one.
func TestNothingBreaksSinceTheLastRelease(t *testing.T) {
	t.Parallel()
	tag := lastRelease()
	if tag == "" {
		t.Log("no release tag v*: there is nothing to compare with yet")
		return
	}
	for _, file := range strings.Fields(git(t, "ls-tree", "-r", "--name-only", tag, ".")) {
		if path.Ext(file) != ".json" {
			continue
		}
		now, err := schemas.FS.ReadFile(file)
		if err != nil {
			t.Errorf("%s was released with %s and is gone: readers still have it", file, tag)
			continue
		}
		broken, err := schemas.Breaking([]byte(git(t, "show", tag+":./"+file)), now)
		if err != nil {
			t.Fatalf("Breaking(%s): %v", file, err)
		}
		for _, b := range broken {
			t.Errorf("%s: since %s, %s; give the event a new type instead", file, tag, b)
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
