// Package allowances compares what roles may do with what they did.
//
// The emulator enforces IAM, so an allowance that is missing fails a test. One that
// is not needed fails nothing, and stays in the template for whoever breaks into the
// function. So each is held against the calls of all end-to-end tests: what no test
// needed goes, or stands in a file with its reason.
package allowances

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"gatehouse.example/tools/policy"
)

// Allowance is one action on one resource that a role may do: a line of the file.
type Allowance struct {
	// Role is the stack's short name and the role's logical id.
	Role, Action, Resource string
}

// String is the allowance as the file has it.
func (a Allowance) String() string { return a.Role + "  " + a.Action + "  " + a.Resource }

// Call is what a role did, or was refused.
type Call struct {
	Role     string `json:"role"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	Allowed  bool   `json:"allowed"`
	Count    int    `json:"count"`
}

// ReadCalls reads the emulator's list. A line that is only half written is the last.
func ReadCalls(r io.Reader) ([]Call, error) {
	var calls []Call
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var c Call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("json.Unmarshal: %w", err)
		}
		calls = append(calls, c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("bufio.Scanner: %w", err)
	}
	return calls, nil
}

// OfPolicy are the allowances of a policy document, with the resources in full.
func OfPolicy(document string) ([]Allowance, error) {
	doc, err := policy.Parse(document)
	if err != nil {
		return nil, fmt.Errorf("policy.Parse: %w", err)
	}
	var all []Allowance
	for _, s := range doc.Statement {
		if s.Effect != "Allow" {
			continue
		}
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				all = append(all, Allowance{Action: action, Resource: resource})
			}
		}
	}
	return all, nil
}

// Used reports whether one of the calls needed the allowance.
func (a Allowance) Used(calls []Call) bool {
	return slices.ContainsFunc(calls, func(c Call) bool {
		return c.Allowed && policy.MatchFold(a.Action, c.Action) && policy.Match(a.Resource, c.Resource)
	})
}
