package dataloss

import (
	_ "embed" // for the table of kinds
	"encoding/json"
	"maps"
	"slices"
)

//go:embed kinds.json
var kindsJSON []byte

type kind struct {
	// Holds is the data; First is what to do before the resource is removed. Instead is set
	// if AWS refuses a second resource next to this one.
	Holds, First, Instead string
	// A change of a property in CreateOnly replaces the resource, one in Conditional
	// may replace it, and AWS refuses a change of one in Immutable. A rule compares
	// the first two with the registry's schema.
	CreateOnly, Conditional, Immutable []string
	// Retain is set if it also stays when its stack is deleted.
	Retain bool
}

var kinds = mustReadKinds()

func mustReadKinds() map[string]kind {
	var all map[string]kind
	if err := json.Unmarshal(kindsJSON, &all); err != nil {
		panic("kinds.json: " + err.Error())
	}
	return all
}

func (k kind) touches(property string) bool {
	return slices.Contains(k.CreateOnly, property) || slices.Contains(k.Conditional, property) || slices.Contains(k.Immutable, property)
}

// Types are the types of resources that hold data, in order.
func Types() []string { return slices.Sorted(maps.Keys(kinds)) }
