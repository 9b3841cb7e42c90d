package dataloss

import (
	_ "embed" // for the table of kinds
	"encoding/json"
	"fmt"
	"slices"
)

//go:embed kinds.json
var kindsJSON []byte

// kind is a type of resource that holds what no deployment can make again.
type kind struct {
	// Holds is what goes with it; First what has to happen before it may go.
	Holds, First string
	// A change of a property in CreateOnly replaces the resource, of one in
	// Conditional perhaps; one in Frozen AWS refuses to change at all. The first two
	// are the registry schema's, and a rule holds them to it.
	CreateOnly, Conditional, Frozen []string
	// Retain says that it also outlives its stack.
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
	return slices.Contains(k.CreateOnly, property) || slices.Contains(k.Conditional, property) || slices.Contains(k.Frozen, property)
}

// Stateful reports whether resources of a type hold what cannot be made again.
func Stateful(typ string) bool {
	all, err := readKinds()
	if err != nil {
		return true // a test holds that it is JSON; without it nothing is safe
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
