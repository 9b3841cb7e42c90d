package proxy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// gapImport is a line of emulator.py that imports gaps of this folder.
var gapImport = regexp.MustCompile(`(?m)^from ([a-z]+) import ([a-z, ]+)$`)

// emulator.py imports and installs each Python file below this folder.
func TestEmulatorInstallsEveryPythonFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("emulator.py")
	if err != nil {
		t.Fatal(err)
	}
	imported := map[string]bool{}
	for _, m := range gapImport.FindAllStringSubmatch(string(text), -1) {
		for name := range strings.SplitSeq(m[2], ", ") {
			imported[filepath.Join(m[1], name+".py")] = true
			if !strings.Contains(string(text), "    "+name+".install(") {
				t.Errorf("emulator.py does not install %s", name)
			}
		}
	}
	files, err := filepath.Glob("*/*.py")
	if err != nil || len(files) == 0 {
		t.Fatalf("no Python files: %v", err)
	}
	for _, file := range files {
		if !imported[file] {
			t.Errorf("emulator.py does not import %s", file)
		}
		delete(imported, file)
	}
	for file := range imported {
		t.Errorf("emulator.py imports %s, which does not exist", file)
	}
}
