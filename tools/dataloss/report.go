// Package dataloss finds the data that a change set would delete: users, rows, keys,
// undelivered events, and names that other stacks read.
//
// CloudFormation reports which resources are replaced, but not whether they hold
// data. A stack policy denies such an update, but only in the middle of a
// deployment and without an alternative. So the tool and the pipeline runner check
// each change set with this package before they execute it.
package dataloss

import (
	"fmt"
	"strings"
)

// What would happen to a resource.
const (
	Replaced    What = "would be replaced"
	PerhapsGone What = "may be replaced"
	Immutable   What = "would change an immutable property"
	Removed     What = "would be removed"
	Orphaned    What = "would stay in the account, outside any stack"
	Renamed     What = "would be replaced by an empty resource with another logical id"
	Unprotected What = "would lose its protection"
	NameGone    What = "would be removed, but other stacks read it"
)

// What happens to a resource.
type What string

// Finding is one resource with data that a change set would delete or orphan.
type Finding struct {
	// Path is the logical id, after the ids of the nested stacks that contain it.
	Path, Type string
	What       What
	// Because names the part of the change that causes it, Instead an alternative.
	Because, Instead string
}

// String is one line of advice.
func (l Finding) String() string {
	because := ""
	if l.Because != "" {
		because = " (" + l.Because + ")"
	}
	return fmt.Sprintf("%s, %s, %s%s. Instead: %s.", l.Path, l.Type, l.What, because, l.Instead)
}

// Report is what a change set would delete.
type Report struct {
	Findings []Finding
	// Unseen are nested stacks whose changes are only known during the deployment.
	Unseen []string
	// Same are the logical ids of the stack's resources that the change set lists
	// although nothing of them changes.
	Same []string
	// Nothing is set if that is true of all that the change set lists, and of the outputs.
	Nothing bool
}

func (r *Report) add(more Report) {
	r.Findings = append(r.Findings, more.Findings...)
	r.Unseen = append(r.Unseen, more.Unseen...)
}

// Err returns an error if the change set of a stack would lose data.
func (r Report) Err(stack string) error {
	if len(r.Findings) == 0 {
		return nil
	}
	lines := make([]string, 0, len(r.Findings))
	for _, l := range r.Findings {
		lines = append(lines, "  - "+l.String())
	}
	return fmt.Errorf("stopped: %s would lose data:\n%s\n"+
		"The stack policy denies this, too. If you mean it, docs/deploy-aws.md describes how to disable the policy for one deployment",
		stack, strings.Join(lines, "\n"))
}

func advice(what What, k kind, more string) string {
	switch what {
	case PerhapsGone:
		return "deploy the change of " + more + " alone first; then CloudFormation knows the result"
	case Renamed:
		return "keep the logical id, which identifies the resource (it holds " + k.Holds + ")"
	case Unprotected:
		return "keep the policy, which protects the resource when the stack is deleted by mistake (it holds " + k.Holds + ")"
	case Orphaned:
		return "keep it in the template; only an import would bring it back into the stack (it holds " + k.Holds + ")"
	case Removed:
		return "keep it in the template (it holds " + k.Holds + "); before you remove it, " + k.First
	}
	if k.Instead != "" {
		return "undo this (it holds " + k.Holds + "), or " + k.Instead
	}
	return "undo this (it holds " + k.Holds + "), or add a second resource with another logical id, " + k.First + ", and then remove this one"
}
