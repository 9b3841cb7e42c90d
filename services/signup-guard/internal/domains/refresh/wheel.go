package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

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
