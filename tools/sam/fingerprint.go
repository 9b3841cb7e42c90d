package sam

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"gatehouse.example/tools/stacks"
)

// GoPackage are what one package is compiled from.
type GoPackage struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	EmbedFiles []string
	SFiles     []string
	Module     *struct {
		Path    string
		Version string
		GoMod   string
		Replace *struct{ Version string }
	}
}

// local reports whether the package is in the repository.
func (f GoPackage) local() bool {
	return !f.Standard && f.Module != nil && (f.Module.Version == "" || f.Module.Replace != nil && f.Module.Replace.Version == "")
}

// Paths are the package's files in the repository, or none.
func (f GoPackage) Paths() []string {
	if !f.local() {
		return nil
	}
	var paths []string
	for _, name := range slices.Concat(f.GoFiles, f.EmbedFiles, f.SFiles) {
		paths = append(paths, filepath.Join(f.Dir, name))
	}
	return append(paths, f.Module.GoMod)
}

// Packages lists the packages of a stack's functions and everything that they
// import.
func Packages(ctx context.Context, s stacks.Stack, codeURIs ...string) ([]GoPackage, error) {
	if len(codeURIs) == 0 {
		return nil, nil
	}
	cmd := goCommand(ctx, s, codeURIs, "list", "-deps", "-json=ImportPath,Dir,Standard,GoFiles,EmbedFiles,SFiles,Module")
	var output bytes.Buffer
	cmd.Stderr = &output
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w: %s", s.Dir, err, strings.TrimSpace(output.String()))
	}
	var all []GoPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var f GoPackage
		if err := dec.Decode(&f); err != nil {
			return nil, fmt.Errorf("json.Decoder.Decode: %w", err)
		}
		all = append(all, f)
	}
	return all, nil
}

// Fingerprint hashes everything that a stack is built from: its templates and
// settings, the Go files of its functions and of their imports in this repository,
// the versions of other imports, the compiler, and extra, such as parameters. SAM's
// own cache would miss an edit in a shared module.
func Fingerprint(ctx context.Context, s stacks.Stack, extra ...string) (string, error) {
	sum := sha256.New()
	write(sum, runtime.Version(), goFlags, runtime.GOOS, runtime.GOARCH, versionMark)
	write(sum, extra...)
	for _, path := range append([]string{s.Template(), s.Samconfig()}, s.Nested...) {
		if err := writeFile(sum, s.Dir, path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	packages, err := Packages(ctx, s, codeURIs(s)...)
	if err != nil {
		return "", err
	}
	var paths []string
	for _, p := range packages {
		if p.Module != nil && !p.local() {
			write(sum, p.ImportPath, p.Module.Path, p.Module.Version)
		}
		paths = append(paths, p.Paths()...)
	}
	for _, folder := range s.Packed {
		packed, err := filesBelow(filepath.Join(s.Dir, filepath.FromSlash(folder)))
		if err != nil {
			return "", err
		}
		paths = append(paths, packed...)
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		if err := writeFile(sum, s.Dir, path); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// filesBelow lists the files in a folder of code that is not built. Python writes its
// cache into it.
func filesBelow(folder string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "__pycache__":
			return fs.SkipDir
		case d.Type().IsRegular():
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("filepath.WalkDir: %w", err)
	}
	return paths, nil
}

// write adds texts with their lengths, so that different lists differ.
func write(sum hash.Hash, texts ...string) {
	for _, text := range texts {
		_, _ = fmt.Fprintf(sum, "%d:%s\n", len(text), text)
	}
}

// writeFile adds a file under its path relative to the stack.
func writeFile(sum hash.Hash, dir, path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("os.ReadFile: %w", err)
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		return fmt.Errorf("filepath.Rel: %w", err)
	}
	write(sum, filepath.ToSlash(rel), string(raw))
	return nil
}
