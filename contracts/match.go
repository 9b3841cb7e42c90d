package contracts

import "strings"

// typePrefix is what all types of Gatehouse begin with.
const typePrefix = "gatehouse."

// TypeMatches compares a type with the one that somebody asks for, who may leave
// out the prefix and the version: gatehouse.user.created.v1 is user.created. An
// empty wish matches every type.
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
