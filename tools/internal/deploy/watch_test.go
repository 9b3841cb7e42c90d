package deploy

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/stacks"
)

func TestAffected(t *testing.T) {
	t.Parallel()
	list := []target{
		{function: stacks.Function{Name: "presignup"}, folders: []string{"/r/contracts", "/r/guard/cmd/presignup"}},
		{function: stacks.Function{Name: "metrics"}, folders: []string{"/r/contracts", "/r/events/cmd/metrics"}},
	}
	tests := map[string]struct {
		changed []string
		want    []string
	}{
		"own_file":      {[]string{"/r/guard/cmd/presignup/main.go"}, []string{"presignup"}},
		"shared_file":   {[]string{"/r/contracts/act.go"}, []string{"presignup", "metrics"}},
		"other_folder":  {[]string{"/r/contracts/schemas/x.json"}, nil},
		"several_files": {[]string{"/r/x.go", "/r/events/cmd/metrics/a.go", "/r/events/cmd/metrics/b.go"}, []string{"metrics"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, hit := range affected(list, tc.changed) {
				got = append(got, hit.function.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("functions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan []string, 10)
	done := make(chan error, 1)
	go func() { done <- Changes(ctx, []string{dir}, func(paths []string) { got <- paths }) }()
	write := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Error(err)
		}
		return path
	}
	// The watcher may need a moment to start: write until it notices.
	want := write("a.go")
	again := time.NewTicker(3 * settle)
	defer again.Stop()
	for noticed := false; !noticed; {
		select {
		case paths := <-got:
			if diff := cmp.Diff([]string{want}, paths); diff != "" {
				t.Fatalf("changed (-want +got):\n%s", diff)
			}
			noticed = true
		case <-again.C:
			write("a.go")
			write(".a.go.swp")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// recorder remembers the calls, and fails on request.
type recorder struct {
	calls   []string
	archive []byte
	fail    error
}

func (r *recorder) UpdateFunctionCode(_ context.Context, in *lambda.UpdateFunctionCodeInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionCodeOutput, error) {
	r.calls = append(r.calls, "code "+aws.ToString(in.FunctionName))
	r.archive = in.ZipFile
	return &lambda.UpdateFunctionCodeOutput{Version: aws.String("7")}, r.fail
}

func (r *recorder) UpdateAlias(_ context.Context, in *lambda.UpdateAliasInput, _ ...func(*lambda.Options)) (*lambda.UpdateAliasOutput, error) {
	r.calls = append(r.calls, "alias "+aws.ToString(in.Name)+" -> "+aws.ToString(in.FunctionVersion))
	return &lambda.UpdateAliasOutput{}, nil
}

func TestGoLive(t *testing.T) {
	t.Parallel()
	l := supervisor.Layout{Workspace: stacks.Workspace{Dir: t.TempDir(), Environment: "local"}}
	to := target{
		stack:    stacks.Stack{Name: "guard"},
		function: stacks.Function{Name: "gatehouse-${Environment}-guard-presignup", Alias: "live"},
	}
	r := &recorder{}
	if err := golive(t.Context(), r, l, to, []byte("code")); err != nil {
		t.Fatal(err)
	}
	want := []string{"code gatehouse-local-guard-presignup", "alias live -> 7"}
	if diff := cmp.Diff(want, r.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	archive, err := zip.NewReader(bytes.NewReader(r.archive), int64(len(r.archive)))
	if err != nil {
		t.Fatal(err)
	}
	file := archive.File[0]
	content, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := io.ReadAll(content); err != nil || string(raw) != "code" || file.Name != "bootstrap" || file.Mode() != 0o755 {
		t.Errorf("archive holds %s %v %q, %v", file.Name, file.Mode(), raw, err)
	}
	record, err := ReadRecord(l, "guard")
	if err != nil || !record.Drifted {
		t.Errorf("record %+v, %v, want it drifted", record, err)
	}
}

// A stack whose function may or may not have changed counts as drifted.
func TestGoLiveMarksFirst(t *testing.T) {
	t.Parallel()
	l := supervisor.Layout{Workspace: stacks.Workspace{Dir: t.TempDir(), Environment: "local"}}
	r := &recorder{fail: errors.New("no")}
	if err := golive(t.Context(), r, l, target{stack: stacks.Stack{Name: "guard"}}, []byte("code")); err == nil {
		t.Error("no error")
	}
	if record, _ := ReadRecord(l, "guard"); !record.Drifted {
		t.Error("not marked")
	}
}
