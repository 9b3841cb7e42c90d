package contracts

import "strings"

// typePrefix is what all types of Gatehouse begin with.
const typePrefix = "gatehouse."

// TypeMatches compares a type with a requested one, which may lack the prefix and
// the version: user.created matches gatehouse.user.created.v1. An empty request
// matches every type.
func TypeMatches(typ, asked string) bool {
	if asked == "" {
		return true
	}
	rest, found := strings.CutPrefix(strings.TrimPrefix(typ, typePrefix), strings.TrimPrefix(asked, typePrefix))
	if !found {
		return false
	}
	version, found := strings.CutPrefix(rest, ".v")
	return rest == "" || found && version != "" && strings.Trim(version, "0123456789") == ""
}
