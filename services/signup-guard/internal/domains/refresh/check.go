package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gatehouse.example/services/signup-guard/internal/address"
	"gatehouse.example/services/signup-guard/internal/domains"
)

// check refuses a list with a malformed name, a list that matches a protected
// domain or a parent of one, and a list that has lost more than half of its names,
// which would be a broken download.
func check(names, old, protected []string) error {
	set, err := domains.NewSet(names)
	if err != nil {
		return fmt.Errorf("domains.NewSet: %w", err)
	}
	var errs []error
	for _, name := range names {
		if address.SafeDomain("x@"+name) != name {
			errs = append(errs, fmt.Errorf("%q is not a well-formed domain name", name))
		}
	}
	for _, name := range protected {
		if set.Match(name) {
			errs = append(errs, fmt.Errorf("the list would refuse %s, which is in protected.txt", name))
		}
	}
	if len(names)*2 < len(old) {
		errs = append(errs, fmt.Errorf("only %d names, %d before", len(names), len(old)))
	}
	return errors.Join(errs...)
}

// report says what a release changes.
func report(out io.Writer, r release, old []string) {
	added, removed := diff(old, r.names), diff(r.names, old)
	_, _ = fmt.Fprintf(out, "%s %s of %s: %d domains, %d added, %d removed\n", pypiPackage, r.version, r.date, len(r.names), len(added), len(removed))
	for _, name := range added {
		_, _ = fmt.Fprintln(out, "+", name)
	}
	for _, name := range removed {
		_, _ = fmt.Fprintln(out, "-", name)
	}
}

// diff gives the names of b that are not in a; both are sorted.
func diff(a, b []string) []string {
	var only []string
	for _, name := range b {
		if _, found := slices.BinarySearchFunc(a, name, strings.Compare); !found {
			only = append(only, name)
		}
	}
	return only
}
