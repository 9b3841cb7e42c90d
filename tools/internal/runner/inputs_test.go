package runner

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/pipeline"
)

// Each input artifact has a folder of its own, which a variable names. The primary one is
// where the commands run.
func TestUnpackInputs(t *testing.T) {
	t.Parallel()
	zipped := func(name string) []byte {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		raw, err := pack(dir, []string{name})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	c := call{action: pipeline.Action{
		InputArtifacts: []pipeline.Artifact{{Name: "SourceZip"}, {Name: "Built"}}, Configuration: map[string]string{"PrimarySource": "SourceZip"},
	}}
	dir := t.TempDir()
	sources := filepath.Join(dir, "src")
	variables, err := c.unpackInputs(dir, sources, map[string][]byte{"SourceZip": zipped("go.work"), "Built": zipped("build.json")})
	if err != nil {
		t.Fatal(err)
	}
	built := filepath.Join(dir, "src-Built")
	if diff := cmp.Diff([]string{"CODEBUILD_SRC_DIR_Built=" + built}, variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	for _, path := range []string{filepath.Join(sources, "go.work"), filepath.Join(built, "build.json")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.unpackInputs(dir, sources, map[string][]byte{"Built": []byte("not a zip file")}); err == nil {
		t.Error("no error for an artifact that is not a zip file")
	}
}
