// Package drift is `gatehouse drift` and `gatehouse status`: the first shows how an
// environment differs from the templates that were deployed to it, the second what needs
// attention now.
//
// It exists because a deployment repairs nothing that was changed by hand:
// CloudFormation compares templates with templates. Its own drift detection does not
// see what matters most here (docs/adr/0035). Both commands use the AWS
// configuration of the shell, on AWS as they do locally.
package drift

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"gatehouse.example/tools/actors"
)

// atOnce is how many resources are compared at the same time.
const atOnce = 8

// Finding is what differs at one resource, as far as one call repairs it.
type Finding struct {
	// Where is the stack, the resource's logical id, and its name.
	Where string
	// Differences has a line for each setting.
	Differences []string
	// Repair names the calls that set it back. It is empty if there are none.
	Repair string
	// Hint is what to do instead.
	Hint string

	fix func(context.Context) error
	// denies is set if the repair removes a Deny.
	denies bool
	// last is set if the repair relies on the others: a pool that calls a trigger without
	// its permission refuses everybody.
	last bool
}

// kind compares the resources of one type.
type kind interface {
	compare(ctx context.Context, r resource) ([]Finding, error)
}

// result is the comparison of some stacks.
type result struct {
	findings []Finding
	// unknown are the resources that could not be compared, and why.
	unknown []string
	// compared counts resources; skipped counts those of other types, by type.
	compared int
	skipped  map[string]int
}

// differences counts the settings that differ.
func (r result) differences() int {
	n := 0
	for _, f := range r.findings {
		n += len(f.Differences)
	}
	return n
}

// compare compares the resources of the stacks, several at the same time.
func compare(ctx context.Context, kinds map[string]kind, stacks []*stack) result {
	out := result{skipped: map[string]int{}}
	var all []resource
	for _, s := range stacks {
		out.unknown = append(out.unknown, s.unknown...)
		for _, r := range s.resources {
			if kinds[r.Type] == nil {
				out.skipped[r.Type]++
				continue
			}
			all = append(all, r)
		}
	}
	type compared struct {
		findings []Finding
		err      error
	}
	results := make([]compared, len(all))
	var running sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, r := range all {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			results[i].findings, results[i].err = kinds[r.Type].compare(ctx, r)
		})
	}
	running.Wait()
	for i, one := range results {
		for name, err := range all[i].unresolved {
			one.err = errors.Join(one.err, fmt.Errorf("%s: %w", name, err))
		}
		if one.err != nil {
			out.unknown = append(out.unknown, all[i].where()+": "+oneLine(actors.Hint(one.err)))
		}
		out.findings = append(out.findings, one.findings...)
	}
	out.compared = len(all)
	return out
}

// oneLine is an error on one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// finding has the properties of r that differ from the template. have has the present
// properties, and defaults those that a template without a value means. The finding has
// no differences if all are equal; changed has the names of those that differ.
func (r resource) finding(have, defaults map[string]any, names ...string) (f Finding, changed []string) {
	f.Where = r.where()
	for _, name := range names {
		if _, unknown := r.unresolved[name]; unknown {
			continue
		}
		want, given := r.props[name]
		if !given {
			want = defaults[name]
		}
		if same(want, have[name]) {
			continue
		}
		changed = append(changed, name)
		f.Differences = append(f.Differences, fmt.Sprintf("%s: expected %s, is %s", name, show(want), show(have[name])))
	}
	return f, changed
}

// missing is the finding of a resource that was deleted.
func (r resource) missing() []Finding {
	return []Finding{{Where: r.where(), Differences: []string{"it does not exist"}, Hint: r.recreate()}}
}

// recreate is the command that makes CloudFormation create what was deleted by hand:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
func (r resource) recreate() string {
	return fmt.Sprintf("aws cloudformation create-change-set --deployment-mode REVERT_DRIFT --use-previous-template --stack-name %s "+
		"--change-set-name repair --capabilities CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND%s; then look at it and execute it", r.stack.Name, r.stack.previousParameters())
}

// byWhere sorts findings by resource.
func byWhere(a, b Finding) int { return cmp.Compare(a.Where, b.Where) }

// byNeed moves the findings that rely on others to the end.
func byNeed(a, b Finding) int {
	switch {
	case a.last == b.last:
		return 0
	case a.last:
		return 1
	}
	return -1
}

// sorted returns the findings in the order in which they are printed.
func sorted(all []Finding) []Finding {
	all = slices.Clone(all)
	slices.SortStableFunc(all, byWhere)
	return all
}
