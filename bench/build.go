package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// build makes the command in a folder as `sam build` does, for an architecture. overlay
// replaces files of it, as `go build -overlay` does; empty replaces none.
func build(ctx context.Context, dir, arch, overlay, out string) (string, error) {
	path := filepath.Join(out, filepath.Base(dir)+"-"+arch)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-tags=lambda.norpc,nethttpomithttp2",
		"-overlay="+overlay, "-o", path, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+arch)
	if msg, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", dir, err, msg)
	}
	return path, nil
}

// python makes the twins' virtual environment once and returns its interpreter.
func python(ctx context.Context, root, venv string) (string, error) {
	bin := filepath.Join(venv, "bin", "python")
	done := filepath.Join(venv, "done")
	if _, err := os.Stat(done); err == nil {
		return filepath.Abs(bin)
	}
	for _, command := range [][]string{
		{"python3", "-m", "venv", venv},
		{bin, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", filepath.Join(root, "bench", "requirements.txt")},
	} {
		if msg, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", strings.Join(command[:3], " "), err, msg)
		}
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		return "", fmt.Errorf("os.WriteFile: %w", err)
	}
	return filepath.Abs(bin)
}

// sizes are those of a bootstrap and of the archive that Lambda gets.
func sizes(path string) (binary, archive float64, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, fmt.Errorf("os.ReadFile: %w", err)
	}
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	f, err := w.Create("bootstrap")
	if err != nil {
		return 0, 0, fmt.Errorf("zip.Writer.Create: %w", err)
	}
	if _, err := f.Write(raw); err != nil {
		return 0, 0, fmt.Errorf("zip.Write: %w", err)
	}
	if err := w.Close(); err != nil {
		return 0, 0, fmt.Errorf("zip.Writer.Close: %w", err)
	}
	return float64(len(raw)) / 1e6, float64(packed.Len()) / 1e6, nil
}

// checkNanos times one address check of ours and one of the twin's, the best of three
// each.
func checkNanos(ctx context.Context, root, python string, env []string) (ours, twin float64, err error) {
	bench := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "BenchmarkCheck/allowed$",
		"-benchtime", "100ms", "-count", "3", "./internal/presignup")
	bench.Dir = filepath.Join(root, "services", "signup-guard")
	out, err := bench.CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("go test -bench: %w\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		// BenchmarkCheck/allowed-2  600730  149.0 ns/op  0 B/op  0 allocs/op
		if f := strings.Fields(line); len(f) > 2 && strings.HasPrefix(f[0], "Benchmark") {
			if ns, err := strconv.ParseFloat(f[2], 64); err == nil && (ours == 0 || ns < ours) {
				ours = ns
			}
		}
	}
	if ours == 0 {
		return 0, 0, fmt.Errorf("no result in %s", out)
	}
	check := exec.CommandContext(ctx, python, "check.py")
	check.Dir, check.Env = filepath.Join(root, "bench", "twin"), env
	if out, err = check.Output(); err != nil {
		return 0, 0, fmt.Errorf("check.py: %w", err)
	}
	if twin, err = strconv.ParseFloat(strings.TrimSpace(string(out)), 64); err != nil {
		return 0, 0, fmt.Errorf("strconv.ParseFloat: %w", err)
	}
	return ours, twin, nil
}
