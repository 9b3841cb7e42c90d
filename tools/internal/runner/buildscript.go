package build

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// script writes the shell script of a build into its folder: each command into a
// file of its own, read by one shell, so that a variable or a folder that one sets
// holds for those after it. Before each, the file `at` says which it is.
func (j Job) script() (string, error) {
	var b strings.Builder
	b.WriteString("export CODEBUILD_BUILD_SUCCEEDING=1\n")
	for _, p := range j.Spec.phases() {
		// A loop that runs once, so that a failure can leave it.
		b.WriteString("while :; do\n:\n")
		if err := j.commands(&b, p.name, p.Commands); err != nil {
			return "", err
		}
		b.WriteString("break\ndone\n")
		if err := j.commands(&b, p.name+"-finally", p.Finally); err != nil {
			return "", err
		}
		if p.stops {
			b.WriteString(`[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ] || exit 1` + "\n")
		}
	}
	b.WriteString(`[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ] || exit 1` + "\n")
	for _, name := range j.Spec.Env.Exported {
		fmt.Fprintf(&b, "[ -z \"${%s+set}\" ] || printf %%s \"$%s\" >%s\n", name, name, quote(j.exported(name)))
	}
	fmt.Fprintf(&b, "rm -f %s\n", quote(j.at()))
	path := filepath.Join(j.State, "build.sh")
	return path, j.write(path, b.String())
}

func (j Job) commands(b *strings.Builder, phase string, commands []string) error {
	for i, command := range commands {
		name := phase + "." + strconv.Itoa(i)
		path := filepath.Join(j.State, name)
		if err := j.write(path, command+"\n"); err != nil {
			return err
		}
		leave := "break"
		if strings.HasSuffix(phase, "-finally") {
			leave = ":"
		}
		fmt.Fprintf(b, "printf %%s %s >%s\nprintf '%%s\\n' %s\n. %s || { export CODEBUILD_BUILD_SUCCEEDING=0; cp %s %s; %s; }\n",
			quote(name), quote(j.at()), quote("["+phase+"] "+command), quote(path), quote(j.at()), quote(j.failed()), leave)
	}
	return nil
}

func (j Job) at() string                  { return filepath.Join(j.State, "at") }
func (j Job) failed() string              { return filepath.Join(j.State, "failed") }
func (j Job) exported(name string) string { return filepath.Join(j.State, "export."+name) }

func (j Job) write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	return nil
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// culprit names the phase and the command that failed first, or in which the shell ended.
func (j Job) culprit() string {
	for _, file := range []string{j.failed(), j.at()} {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		phase, index, _ := strings.Cut(string(raw), ".")
		command, err := os.ReadFile(filepath.Join(j.State, filepath.Base(string(raw))))
		if err != nil {
			continue
		}
		return fmt.Sprintf("phase %s, command %s: %s", phase, index, strings.TrimSpace(string(command)))
	}
	return "the build's shell"
}
