package repository

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/tools/stacks"
)

// skipped are folders that git ignores, or that are not part of the project.
var skipped = []string{".git", ".local", "bin", "build", ".aws-sam", "__pycache__", "node_modules"}

// Root is the folder of the repository.
var Root = func() string {
	root, err := stacks.FindRoot(".")
	if err != nil {
		panic(err) // the rules can only run inside the repository
	}
	return root
}()

// Files returns the repository's files with one of the suffixes, or all files.
func Files(t *testing.T, endings ...string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(Root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if slices.Contains(skipped, d.Name()) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil // .git is a file in a worktree
		}
		if d.Type().IsRegular() && (len(endings) == 0 || slices.Contains(endings, filepath.Ext(path))) {
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("filepath.WalkDir: %v", err)
	}
	if len(out) == 0 {
		t.Fatalf("no file with one of the suffixes %v", endings)
	}
	return out
}

// Short returns a path relative to the repository, with slashes.
func Short(path string) string {
	return filepath.ToSlash(strings.TrimPrefix(path, Root+string(filepath.Separator)))
}

// Read returns the text of a file.
func Read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("os.ReadFile: %v", err)
	}
	return string(raw)
}

// Exists reports whether a file exists; it takes a path relative to the repository.
func Exists(path string) bool {
	_, err := os.Stat(filepath.Join(Root, filepath.FromSlash(path)))
	return err == nil
}

// banned are phrases that CONTRIBUTING's glossary replaces.
var banned = regexp.MustCompile(`(?i)\b(whom|anew|beside|save for|any ?more|nobody can be|let do|up to three times|the edge|told otherwise|` +
	`(?:with|without|gives?|needs?|has|have) leave|losses|patience|misuse|for ever|in vain|hands? (?:on|down|out)|` +
	`needs? nobody|by a schedule|alarms? (?:that )?rings?)\b`)

// isNo matches 'is no X' with the word before it.
var isNo = regexp.MustCompile(`(?i)(\w+ )?\b(?:is|are|was|were) no (\w+)`)

// Banned returns the phrases of a text that CONTRIBUTING's glossary replaces, and
// sentences such as 'this is no error', where 'not an error' is meant.
func Banned(text string) []string {
	out := banned.FindAllString(text, -1)
	for _, m := range isNo.FindAllStringSubmatch(text, -1) {
		if before := strings.ToLower(m[1]); before != "there " && !strings.EqualFold(m[2], "longer") {
			out = append(out, m[0])
		}
	}
	return out
}
