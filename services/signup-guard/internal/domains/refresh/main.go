// Command refresh replaces the embedded disposable-domain list with the newest
// release of its PyPI package, shows what changed, and refuses a list that would
// lock out people of a large mail provider or a privacy relay.
//
// Run it in services/signup-guard: go run ./internal/domains/refresh
package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"gatehouse.example/services/signup-guard/internal/address"
	"gatehouse.example/services/signup-guard/internal/domains"
)

const pypiPackage = "disposable-email-domains"

func main() {
	dir := flag.String("dir", "internal/domains", "folder of the list")
	pip := flag.String("pip", "pip3", "pip to download with")
	wheel := flag.String("wheel", "", "take this wheel instead of downloading one")
	dry := flag.Bool("dry-run", false, "show what would change and write nothing")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *dir, *pip, *wheel, *dry); err != nil {
		fmt.Fprintln(os.Stderr, "refresh:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, dir, pip, wheel string, dry bool) error {
	if wheel == "" {
		tmp, err := os.MkdirTemp("", "refresh")
		if err != nil {
			return fmt.Errorf("os.MkdirTemp: %w", err)
		}
		defer func() { _ = os.RemoveAll(tmp) }()
		if wheel, err = download(ctx, pip, tmp); err != nil {
			return err
		}
	}
	release, err := readWheel(wheel)
	if err != nil {
		return err
	}
	release.names = slices.Compact(slices.Sorted(slices.Values(append(release.names, domains.Test))))
	protected, err := readLines(filepath.Join(dir, "protected.txt"))
	if err != nil {
		return err
	}
	old := domains.Disposable().Names()
	report(out, release, old)
	if err := check(release.names, old, append(protected, domains.Relays().Names()...)); err != nil {
		return err
	}
	if dry {
		return nil
	}
	return write(dir, release)
}

// download fetches the newest wheel into a folder with pip.
func download(ctx context.Context, pip, dir string) (string, error) {
	cmd := exec.CommandContext(ctx, pip, "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", dir, pypiPackage)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s download: %w", pip, err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(found) != 1 {
		return "", errors.New("pip download did not leave exactly one wheel")
	}
	return found[0], nil
}

// readLines returns the lines of a file without comments and empty lines.
func readLines(path string) ([]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	var lines []string
	for line := range strings.Lines(string(raw)) {
		if line, _, _ = strings.Cut(line, "#"); strings.TrimSpace(line) != "" {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines, nil
}

// write writes the list, SOURCE and the date for the code into dir.
func write(dir string, r release) error {
	set, err := domains.NewSet(r.names)
	if err != nil {
		return fmt.Errorf("domains.NewSet: %w", err)
	}
	source := fmt.Sprintf("list: https://github.com/disposable-email-domains/disposable-email-domains\n"+
		"licence: CC0-1.0 (the list), MIT (the package around it, of which nothing is kept)\n"+
		"package: %s\nversion: %s\ndate: %s\nwheel-sha256: %s\ndomains: %d\ndomains-sha256: %x\n",
		pypiPackage, r.version, r.date, r.sha256, len(r.names), sha256.Sum256([]byte(set.Text())))
	date := "package domains\n\n// date is the date of the list, as in SOURCE. Written by refresh.\n" +
		fmt.Sprintf("const date = %q\n", r.date)
	for name, content := range map[string]string{
		"domains.txt": set.Text(), "SOURCE": source, "date.go": date,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return fmt.Errorf("os.WriteFile: %w", err)
		}
	}
	return nil
}

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
			errs = append(errs, fmt.Errorf("the list would refuse %s, which is protected", name))
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

// maxModule bounds what is unpacked.
const maxModule = 32 << 20

// release is one version of the package.
type release struct {
	version, date, sha256 string
	names                 []string
}

// readWheel reads the list out of the package's only module, which is a Python
// set of strings: no Python is run.
func readWheel(path string) (release, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return release{}, fmt.Errorf("os.ReadFile: %w", err)
	}
	part := strings.Split(filepath.Base(path), "-")
	if len(part) < 3 {
		return release{}, errors.New("the wheel's name has no version")
	}
	sum := sha256.Sum256(raw)
	r := release{version: part[1], sha256: hex.EncodeToString(sum[:])}
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return release{}, fmt.Errorf("zip.NewReader: %w", err)
	}
	for _, f := range archive.File {
		if f.Name != "disposable_email_domains/__init__.py" {
			continue
		}
		r.date = f.Modified.UTC().Format("2006-01-02")
		module, err := unpack(f)
		if err != nil {
			return release{}, err
		}
		r.names = parseModule(module)
		return r, nil
	}
	return release{}, errors.New("the wheel has no disposable_email_domains/__init__.py")
}

func unpack(f *zip.File) (string, error) {
	in, err := f.Open()
	if err != nil {
		return "", fmt.Errorf("zip.File.Open: %w", err)
	}
	defer func() { _ = in.Close() }()
	module, err := io.ReadAll(io.LimitReader(in, maxModule))
	if err != nil {
		return "", fmt.Errorf("io.ReadAll: %w", err)
	}
	return string(module), nil
}

// parseModule gives the sorted names of the set called blocklist.
func parseModule(module string) []string {
	_, set, _ := strings.Cut(module, "blocklist = {\n")
	set, _, _ = strings.Cut(set, "\n}")
	var names []string
	for line := range strings.Lines(set) {
		names = append(names, strings.Trim(line, " ',\"\r\n"))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
