package adopt

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/terminal"
)

// others are the pool's other settings that a call could change.
func (p pool) others() map[string]any {
	out := actors.PoolRequest(p.Settings)
	delete(out, "LambdaConfig")
	out["MfaConfiguration"], out["UserPoolTags"], out["the MFA configuration"] = p.Settings["MfaConfiguration"], p.Settings["UserPoolTags"], p.MFA
	for _, name := range p.unknown() {
		out[name] = p.Settings[name]
	}
	// The former limit of a temporary password is the present one's value.
	if config, _ := out["AdminCreateUserConfig"].(map[string]any); config["UnusedAccountValidityDays"] != nil {
		policies, _ := out["Policies"].(map[string]any)
		if password, _ := policies["PasswordPolicy"].(map[string]any); password != nil {
			password["TemporaryPasswordValidityDays"] = config["UnusedAccountValidityDays"]
			delete(config, "UnusedAccountValidityDays")
		}
	}
	return out
}

// differences has a line for each value that differs, by the names that lead to it.
func differences(path string, was, is any) []string {
	before, object := was.(map[string]any)
	after, objects := is.(map[string]any)
	if !object && !objects {
		if reflect.DeepEqual(was, is) || isEmpty(was) && isEmpty(is) {
			return nil
		}
		return []string{terminal.Printable(fmt.Sprintf("%s: was %s, is %s", path, show(was), show(is)))}
	}
	all := maps.Clone(before)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, after)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		below := name
		if path != "" {
			below = path + "." + name
		}
		out = append(out, differences(below, before[name], after[name])...)
	}
	return out
}

// isEmpty reports whether a value means the same as a missing one.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return false
}

// longest is how much of a value is shown: some are the texts of emails.
const longest = 100

func show(value any) string {
	if isEmpty(value) {
		return "nothing"
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return "?"
	}
	if text := []rune(string(raw)); len(text) > longest {
		return string(text[:longest]) + "…"
	}
	return string(raw)
}
