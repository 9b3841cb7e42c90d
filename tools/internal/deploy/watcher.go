package deploy

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// Watcher deploys edits until its context ends.
type Watcher struct {
	Layout supervisor.Layout
	Stacks []stacks.Stack
	Lambda Lambda
	Out    io.Writer
	list   []target
	live   map[string][sha256.Size]byte // code by function, if it was deployed here
}

// Run watches the folders of the stacks and of the modules that they share.
func (w *Watcher) Run(ctx context.Context) error {
	var err error
	if w.list, err = targets(ctx, w.Stacks, nil); err != nil {
		w.say("%v", err)
	}
	w.live = map[string][sha256.Size]byte{}
	dirs := []string{filepath.Join(w.Layout.Root, "contracts"), filepath.Join(w.Layout.Root, "lambdakit")}
	for _, s := range w.Stacks {
		if len(s.Functions) > 0 {
			dirs = append(dirs, s.Dir)
		}
	}
	w.say("watching %d functions; press Ctrl-C to stop", len(w.list))
	return Changes(ctx, dirs, func(changed []string) { w.handle(ctx, changed) })
}

func (w *Watcher) handle(ctx context.Context, changed []string) {
	for _, path := range changed {
		if ext := filepath.Ext(path); ext == ".yaml" || filepath.Base(path) == "samconfig.toml" {
			w.say("%s changed; run `gatehouse local deploy` to deploy it", w.short(path))
		}
	}
	changed = slices.DeleteFunc(changed, func(path string) bool { return strings.HasSuffix(path, "_test.go") })
	hit := affected(w.list, changed)
	if len(hit) == 0 {
		return
	}
	started := time.Now()
	slices.Sort(changed)
	w.say("%s changed", w.short(changed[0]))
	// A deployment at the same time would overwrite the aliases.
	unlock, err := files.Lock(ctx, w.Layout.DeployLock())
	if err != nil {
		return
	}
	defer unlock()
	broken := map[string]bool{}
	for _, t := range hit {
		w.one(ctx, t, started, broken)
	}
	// Imports may have changed. Errors were already shown.
	if list, err := targets(ctx, w.Stacks, w.list); err == nil || len(list) > 0 {
		w.list = list
	}
}

func (w *Watcher) one(ctx context.Context, t target, started time.Time, broken map[string]bool) {
	name := t.function.FullName(w.Layout.Environment)
	code, err := build(ctx, w.Layout, t)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		if text := err.Error(); !broken[text] { // one package can break many functions
			broken[text] = true
			w.say("%s does not compile; its earlier code keeps running\n%s", name, text)
		}
		return
	}
	if sum := sha256.Sum256(code); w.live[name] == sum {
		w.say("%s is unchanged", name)
		return
	}
	if err := golive(ctx, w.Lambda, w.Layout, t, code); err != nil {
		w.say("%s: %v", name, err)
		return
	}
	w.live[name] = sha256.Sum256(code)
	w.say("%s is live (%.1fs)", name, time.Since(started).Seconds())
}

func (w *Watcher) short(path string) string {
	if rel, err := filepath.Rel(w.Layout.Root, path); err == nil {
		return rel
	}
	return path
}

func (w *Watcher) say(format string, args ...any) {
	_, _ = fmt.Fprintf(w.Out, "%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}

// Lambda are the calls that deploy code.
type Lambda interface {
	UpdateFunctionCode(context.Context, *lambda.UpdateFunctionCodeInput, ...func(*lambda.Options)) (*lambda.UpdateFunctionCodeOutput, error)
	UpdateAlias(context.Context, *lambda.UpdateAliasInput, ...func(*lambda.Options)) (*lambda.UpdateAliasOutput, error)
}

func build(ctx context.Context, l supervisor.Layout, t target) (code []byte, err error) {
	out := filepath.Join(l.Dir, "watch", t.function.FullName(l.Environment), "bootstrap")
	var output bytes.Buffer
	if err := sam.Compile(ctx, t.stack, t.function, out, &output); err != nil {
		return nil, errors.New(strings.TrimSpace(output.String()))
	}
	code, err = os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	return code, nil
}

// golive publishes the code and points the alias at the new version.
func golive(ctx context.Context, client Lambda, l supervisor.Layout, t target, code []byte) error {
	archive, err := pack(code)
	if err != nil {
		return err
	}
	name := t.function.FullName(l.Environment)
	// Marked first, so that the next deployment repairs an interrupted change.
	if err := MarkDrifted(l, t.stack.Name); err != nil {
		return fmt.Errorf("MarkDrifted: %w", err)
	}
	published, err := client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{
		FunctionName: &name, ZipFile: archive, Publish: true,
	})
	if err != nil {
		return fmt.Errorf("lambda.UpdateFunctionCode: %w", err)
	}
	if t.function.Alias == "" {
		return nil
	}
	_, err = client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName: &name, Name: &t.function.Alias, FunctionVersion: published.Version,
	})
	if err != nil {
		return fmt.Errorf("lambda.UpdateAlias: %w", err)
	}
	return nil
}

// pack makes the archive for Lambda, with an executable file.
func pack(code []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Unix(0, 0).UTC()}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err != nil {
		return nil, fmt.Errorf("zip.Writer.CreateHeader: %w", err)
	}
	if _, err := f.Write(code); err != nil {
		return nil, fmt.Errorf("write archive: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("zip.Writer.Close: %w", err)
	}
	return b.Bytes(), nil
}
