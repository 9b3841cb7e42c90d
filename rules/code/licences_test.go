package code

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/licensecheck"

	"gatehouse.example/rules/repository"
)

// licences are those that a module may have. Each allows to link and to pass on the
// module, if its text goes along. No function links a module of the second list: it asks
// for the source of its own files.
func licences() (everywhere, toolsOnly []string) {
	return []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "Unlicense"}, []string{"MPL-2.0"}
}

// chosen are modules that offer several licences, of which we choose an allowed one.
func chosen() map[string]string {
	return map[string]string{
		// peg-markdown, from which it was translated: "both the GPL and MIT licenses. You may
		// pick the license that best fits your needs." cyclonedx-gomod links it.
		"github.com/hhatto/gorst": "GPL-2.0-or-later",
	}
}

// licence is a file with the terms of a module.
var licence = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)([-._].*)?$`)

// terms returns what is wrong with the terms of a module, given as its files by name.
func terms(module string, files map[string]string, deployed bool) []string {
	allowed, more := licences()
	if !deployed {
		allowed = append(allowed, more...)
	}
	var out, known []string
	for name, text := range files {
		for _, match := range licensecheck.Scan([]byte(text)).Match {
			known = append(known, match.ID)
			path, _, _ := strings.Cut(module, "@")
			if !slices.Contains(allowed, match.ID) && chosen()[path] != match.ID {
				out = append(out, fmt.Sprintf("%s: %s has the terms of %s, which are not in the list of licences", module, name, match.ID))
			}
		}
	}
	if len(known) == 0 {
		out = append(out, module+": no file with terms that are known")
	}
	return out
}

// linked are the modules, with their folders, that these packages link.
func linked(t *testing.T, dir string, env []string, packages ...string) map[string]string {
	t.Helper()
	args := append([]string{"list", "-deps", "-f", "{{with .Module}}{{.Path}}@{{.Version}} {{.Dir}}{{end}}"}, packages...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v", dir, err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		name, folder, found := strings.Cut(strings.TrimSpace(line), " ")
		if found && !strings.HasPrefix(name, "gatehouse.example/") {
			out[name] = folder
		}
	}
	return out
}

// TestLicences: what functions and tools link may be passed on.
func TestLicences(t *testing.T) {
	t.Parallel()
	deployed := linked(t, repository.Root, nil, "./contracts/...", "./lambdakit/...", "./services/api/...", "./services/log-encryptor/...",
		"./services/messages/...", "./services/migration/...", "./services/passwordless/...", "./services/signin-audit/...", "./services/signup-guard/...", "./services/user-events/...", "./examples/subscriber/...")
	all := linked(t, repository.Root, nil, "work")
	for _, module := range []string{toolsModule, scannersModule} {
		for name, folder := range linked(t, filepath.Join(repository.Root, filepath.Dir(module)), []string{"GOWORK=off"}, "tool") {
			all[name] = folder
		}
	}
	if len(deployed) < 20 || len(all) < 60 {
		t.Errorf("%d modules in functions and %d in all; were they moved?", len(deployed), len(all))
	}
	for path := range chosen() {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(name string) bool { return strings.HasPrefix(name, path+"@") }) {
			t.Errorf("nothing links %s, for which we choose a licence", path)
		}
	}
	for name, folder := range all {
		files := map[string]string{}
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if entry.Type().IsRegular() && licence.MatchString(entry.Name()) {
				files[entry.Name()] = repository.Read(t, filepath.Join(folder, entry.Name()))
			}
		}
		_, isDeployed := deployed[name]
		repository.Report(t, terms(name, files, isDeployed))
	}
}

func TestLicencesPlanted(t *testing.T) {
	t.Parallel()
	mit := repository.Read(t, filepath.Join(repository.Root, "LICENSE"))
	const (
		gpl = "This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as " +
			"published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.\n"
		mpl = "This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not distributed " +
			"with this file, You can obtain one at https://mozilla.org/MPL/2.0/.\n"
	)
	for name, tc := range map[string]struct {
		text     string
		deployed bool
		want     string
	}{
		"mit":             {mit, true, ""},
		"copyleft":        {gpl, false, "GPL-3.0"},
		"both":            {mit + "\n" + gpl, false, "GPL-3.0"},
		"mpl_in_a_tool":   {mpl, false, ""},
		"mpl_in_function": {mpl, true, "MPL-2.0"},
		"own_terms":       {"You may use this on Sundays.", false, "no file with terms"},
	} {
		got := strings.Join(terms("example.org/x", map[string]string{"LICENSE": tc.text}, tc.deployed), "\n")
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	if got := terms("example.org/x", nil, false); len(got) != 1 {
		t.Errorf("without a file: %q", got)
	}
	for name, want := range map[string]bool{"LICENSE": true, "LICENSE.md": true, "LICENSE-APACHE": true, "COPYING": true, "licence.txt": true, "unlicensed": false, "NOTICE": false} {
		if licence.MatchString(name) != want {
			t.Errorf("%s is a file with terms: %v", name, !want)
		}
	}
}
