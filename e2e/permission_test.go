package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"gatehouse.example/tools/policy"
)

// The emulator enforces IAM, so a missing permission fails a test. An unused one
// fails nothing and is there for an attacker who takes over the function. So the
// calls of all end-to-end tests have to need each permission; what no test needs is
// removed, or listed in a file with its reason.

// permission is one action on one resource that a role may do: a line of the file.
type permission struct {
	// Role is the stack's short name and the role's logical id.
	Role, Action, Resource string
}

// String is the permission as the file has it.
func (a permission) String() string { return a.Role + "  " + a.Action + "  " + a.Resource }

// roleCall is what a role did, or was refused.
type roleCall struct {
	Role     string `json:"role"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	Allowed  bool   `json:"allowed"`
	Count    int    `json:"count"`
}

// readCalls reads the emulator's list. A line that is only half written is the last.
func readCalls(r io.Reader) ([]roleCall, error) {
	var calls []roleCall
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var c roleCall
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

// permissionsOfPolicy are the permissions of a policy document, with the resources in full.
func permissionsOfPolicy(document string) ([]permission, error) {
	doc, err := policy.Parse(document)
	if err != nil {
		return nil, fmt.Errorf("policy.Parse: %w", err)
	}
	var all []permission
	for _, s := range doc.Statement {
		if s.Effect != "Allow" {
			continue
		}
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				all = append(all, permission{Action: action, Resource: resource})
			}
		}
	}
	return all, nil
}

// used reports whether one of the calls needed the permission.
func (a permission) used(calls []roleCall) bool {
	return slices.ContainsFunc(calls, func(c roleCall) bool {
		return c.Allowed && policy.MatchFold(a.Action, c.Action) && policy.Match(a.Resource, c.Resource)
	})
}
