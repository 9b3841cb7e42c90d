package dataloss

import (
	_ "embed" // for the table of kinds
	"encoding/json"
	"fmt"
	"slices"
)

//go:embed kinds.json
var kindsJSON []byte

// kind is a type of resource that holds data.
type kind struct {
	// Holds is the data; First is what to do before the resource is removed.
	Holds, First string
	// A change of a property in CreateOnly replaces the resource, one in Conditional
	// may replace it, and AWS refuses a change of one in Immutable. A rule compares
	// the first two with the registry's schema.
	CreateOnly, Conditional, Immutable []string
	// Retain is set if it also stays when its stack is deleted.
	Retain bool
}

type kinds map[string]kind

func readKinds() (kinds, error) {
	var all kinds
	if err := json.Unmarshal(kindsJSON, &all); err != nil {
		return nil, fmt.Errorf("json.Unmarshal: %w", err)
	}
	return all, nil
}

// touches reports whether a change of the property can replace the resource.
func (k kind) touches(property string) bool {
	return slices.Contains(k.CreateOnly, property) || slices.Contains(k.Conditional, property) || slices.Contains(k.Immutable, property)
}

// Stateful reports whether resources of a type hold data.
func Stateful(typ string) bool {
	all, err := readKinds()
	if err != nil {
		return true // a test checks that it is valid
	}
	_, ok := all[typ]
	return ok
}

// Types are the types of which Stateful is true, in order.
func Types() ([]string, error) {
	all, err := readKinds()
	if err != nil {
		return nil, err
	}
	types := make([]string, 0, len(all))
	for typ := range all {
		types = append(types, typ)
	}
	slices.Sort(types)
	return types, nil
}
