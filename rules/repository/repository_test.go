package repository

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNoTemplateIsAnError(t *testing.T) {
	t.Parallel()
	if found, err := ReadTemplates(t.TempDir()); err == nil {
		t.Errorf("%d templates in an empty folder", len(found))
	}
}

func TestUnchangedComparesContents(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a.yaml")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("one")
	first := Unchanged(t, "test", []string{"-a"}, file)
	first.Remember(t, []byte("answer"))
	t.Cleanup(func() { _ = os.Remove(first.mark) })
	if same := Unchanged(t, "test", []string{"-a"}, file); same.Known == (os.Getenv("GATEHOUSE_NO_CACHE") != "") {
		t.Errorf("the same contents: known is %v", same.Known)
	}
	if string(first.Answer(t)) != "answer" {
		t.Error("the output is not stored")
	}
	if Unchanged(t, "test", []string{"-b"}, file).Known {
		t.Error("other flags have the same result")
	}
	put("two")
	if Unchanged(t, "test", []string{"-a"}, file).Known {
		t.Error("another text has the same result")
	}
}
