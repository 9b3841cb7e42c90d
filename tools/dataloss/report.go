// Package dataloss reads a change set before anybody executes it, and says what
// would be lost for good: users, rows, keys, undelivered events, names that other
// stacks read.
//
// CloudFormation says of each resource whether it is replaced; whether that
// matters it does not know. A stack policy does, but it stops a deployment in its
// middle, without a word on what to do instead. So whoever executes change sets
// (the tool, the runner of the pipelines) asks here first.
package dataloss

import (
	"fmt"
	"strings"
)

// What would happen to a resource.
const (
	Replaced    What = "would be replaced"
	PerhapsGone What = "may be replaced"
	Frozen      What = "would be changed in what AWS never changes"
	Removed     What = "would be removed"
	Orphaned    What = "would stay in the account, but no stack would know it any more"
	Renamed     What = "would be removed and made anew, empty, under another logical id"
	Unprotected What = "would lose its protection"
	NameGone    What = "would go, and others read it"
)

// What happens to a resource.
type What string

// Loss is one resource that a change set would cost.
type Loss struct {
	// Path is the logical id, after those of the nested stacks that it lies in.
	Path, Type string
	What       What
	// Because says which part of the change does it; Instead what to do.
	Because, Instead string
}

// String is one line of advice.
func (l Loss) String() string {
	because := ""
	if l.Because != "" {
		because = " (" + l.Because + ")"
	}
	return fmt.Sprintf("%s, %s, %s%s. Instead: %s.", l.Path, l.Type, l.What, because, l.Instead)
}

// Report is what a change set would cost.
type Report struct {
	Losses []Loss
	// Unseen are nested stacks whose own changes could not be asked for before.
	Unseen []string
}

// Err refuses the change set of a stack if it costs anything.
func (r Report) Err(stack string) error {
	if len(r.Losses) == 0 {
		return nil
	}
	lines := make([]string, 0, len(r.Losses))
	for _, l := range r.Losses {
		lines = append(lines, "  - "+l.String())
	}
	return fmt.Errorf("stopped: %s would lose what cannot be made again:\n%s\n"+
		"The stack policy forbids it as well. If it is meant all the same, docs/deploy-aws.md says how to take the policy off for one deployment",
		stack, strings.Join(lines, "\n"))
}

// advice says what to do instead, for a resource of a kind.
func advice(what What, k kind, more string) string {
	switch what {
	case PerhapsGone:
		return "deploy the change of " + more + " alone first; after that CloudFormation can tell"
	case Renamed:
		return "keep the logical id, by which alone CloudFormation knows a resource (it holds " + k.Holds + ")"
	case Unprotected:
		return "keep the policy; it is what a mistaken deletion of the stack leaves (it holds " + k.Holds + ")"
	case Orphaned:
		return "put it back into the template; the stack would have to import it to find it again (it holds " + k.Holds + ")"
	case Removed:
		return "put it back into the template (it holds " + k.Holds + "); if it has to go, first " + k.First
	}
	return "take that back (it holds " + k.Holds + "), or add a second one beside it under another logical id, " + k.First + ", and only then let this one go"
}
