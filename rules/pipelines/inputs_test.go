package pipelines

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"gatehouse.example/rules/repository"
)

// inputs are the files that a service is made of, as paths in the repository, each
// with the reason why.
type inputs map[string]string

func (in inputs) add(why string, files ...string) {
	for _, file := range files {
		if _, known := in[file]; !known {
			in[file] = why
		}
	}
}

// goPackage is a package in the output of `go list`.
type goPackage struct {
	Dir, ImportPath                                                                                   string
	GoFiles, CgoFiles, SFiles, EmbedFiles, TestGoFiles, XTestGoFiles, TestEmbedFiles, XTestEmbedFiles []string
	Module                                                                                            *struct{ GoMod string }
}

// goInputs returns the files of the packages in this repository that the arguments
// need, with the go.mod and go.sum of their modules.
func goInputs(dir string, env []string, args ...string) (inputs, []goPackage, error) {
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=Dir,ImportPath,GoFiles,CgoFiles,SFiles,EmbedFiles,TestGoFiles,XTestGoFiles,TestEmbedFiles,XTestEmbedFiles,Module"}, args...)...)
	cmd.Dir = filepath.Join(repository.Root, filepath.FromSlash(dir))
	cmd.Env = append(os.Environ(), env...)
	raw, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list in %s: %w", dir, err)
	}
	in, found := inputs{}, []goPackage{}
	for dec := json.NewDecoder(bytes.NewReader(raw)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return in, found, nil
		} else if err != nil {
			return nil, nil, fmt.Errorf("go list in %s: %w", dir, err)
		}
		if p.Module == nil || !inRepository(p.Dir) || strings.HasSuffix(p.ImportPath, ".test") {
			continue
		}
		found = append(found, p)
		for _, files := range [][]string{p.GoFiles, p.CgoFiles, p.SFiles, p.EmbedFiles, p.TestGoFiles, p.XTestGoFiles, p.TestEmbedFiles, p.XTestEmbedFiles} {
			for _, file := range files {
				in.add("package "+p.ImportPath, inside(filepath.Join(p.Dir, file)))
			}
		}
		in.addModule(p.Module.GoMod)
	}
}

// addModule adds the files that determine the versions of a module's dependencies.
func (in inputs) addModule(gomod string) {
	file := inside(gomod)
	in.add("module "+path.Dir(file), file)
	if sum := path.Join(path.Dir(file), "go.sum"); repository.Exists(sum) {
		in.add("module "+path.Dir(file), sum)
	}
}

// addReplaced adds the modules of this repository that a module's go.mod names. They
// influence its versions when it is built without go.work.
func (in inputs) addReplaced(gomod string) error {
	in.addModule(gomod)
	raw, err := os.ReadFile(gomod)
	if err != nil {
		return fmt.Errorf("os.ReadFile: %w", err)
	}
	for _, m := range regexp.MustCompile(`(?m)=> (\.\./\S+)`).FindAllStringSubmatch(string(raw), -1) {
		if err := in.addReplaced(filepath.Join(filepath.Dir(gomod), m[1], "go.mod")); err != nil {
			return err
		}
	}
	return nil
}

func inRepository(dir string) bool { return !strings.HasPrefix(inside(dir), "..") }

// inside returns a path in the repository.
func inside(file string) string {
	top, err := filepath.Abs(repository.Root)
	if err != nil {
		return "../" + file
	}
	if file, err = filepath.Abs(file); err != nil {
		return "../" + file
	}
	rel, err := filepath.Rel(top, file)
	if err != nil {
		return "../" + file
	}
	return filepath.ToSlash(rel)
}

// stackInputs returns a service's templates, configuration and modules, with tests.
func stackInputs(folder string) (inputs, error) {
	in := inputs{}
	for _, pattern := range []string{"*.yaml", "samconfig.toml"} {
		found, err := filepath.Glob(filepath.Join(repository.Root, folder, pattern))
		if err != nil {
			return nil, fmt.Errorf("filepath.Glob: %w", err)
		}
		for _, file := range found {
			if repository.Short(file) != pipelinePipeline { // another stack, which an administrator deploys
				in.add("the stack", repository.Short(file))
			}
		}
	}
	if len(in) < 2 {
		return nil, fmt.Errorf("%s has no template or no samconfig.toml", folder)
	}
	modules, err := filepath.Glob(filepath.Join(repository.Root, folder, "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("filepath.Glob: %w", err)
	}
	below, err := filepath.Glob(filepath.Join(repository.Root, folder, "*", "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("filepath.Glob: %w", err)
	}
	for _, module := range append(modules, below...) {
		if dir := path.Dir(repository.Short(module)); dir != "tools/internal/local" { // only for the local system
			more, _, err := goInputs(dir, []string{"GOWORK=off"}, "-test", "./...")
			if err != nil {
				return nil, err
			}
			maps.Copy(in, more)
			if err := in.addReplaced(module); err != nil {
				return nil, err
			}
		}
	}
	return in, nil
}

// buildInputs returns the files outside a service that every build reads: the
// buildspec, the Makefile's targets that it calls, the programs that they run, and the
// files and modules that these name.
func buildInputs(spec string) (inputs, error) {
	in := inputs{}
	in.add("the build", spec, "Makefile", "go.mod", "go.sum", "go.work", "go.work.sum")
	raw, err := os.ReadFile(filepath.Join(repository.Root, spec))
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	makefile, err := os.ReadFile(filepath.Join(repository.Root, "Makefile"))
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	recipes := ""
	for _, m := range regexp.MustCompile(`make (?:--\S+ )*([a-z-]+)`).FindAllStringSubmatch(string(raw), -1) {
		recipes += recipe(string(makefile), m[1])
	}
	for _, m := range regexp.MustCompile(`[\w.-]+(?:/[\w.-]+)+`).FindAllString(recipes, -1) {
		name := path.Clean(m)
		info, err := os.Stat(filepath.Join(repository.Root, filepath.FromSlash(name)))
		switch {
		case err != nil || strings.HasPrefix(name, ".local") || strings.HasPrefix(name, "build/"): // written, not read
		case !info.IsDir():
			in.add("the Makefile", name)
		case repository.Exists(path.Join(name, "go.mod")): // go -C
			in.addModule(filepath.Join(repository.Root, name, "go.mod"))
		default: // go run
			more, packages, err := goInputs(".", []string{"GOWORK="}, "./"+name)
			if err != nil {
				return nil, err
			}
			maps.Copy(in, more)
			if err := in.addNamed(packages); err != nil {
				return nil, err
			}
		}
	}
	return in, nil
}

// recipe returns the text of a target in the Makefile and of its prerequisites.
func recipe(makefile, target string) string {
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:([^=\n#]*).*\n((?:\t.*\n?)*)`).FindStringSubmatch(makefile)
	if m == nil {
		return ""
	}
	out := m[2]
	for _, needed := range strings.Fields(m[1]) {
		out += recipe(makefile, needed)
	}
	return out
}

// addNamed adds the files and module folders that the builder's packages name in
// strings, except the templates of other stacks.
func (in inputs) addNamed(packages []goPackage) error {
	for _, p := range packages {
		if !strings.HasPrefix(p.ImportPath, "gatehouse.example/tools/") {
			continue
		}
		for _, file := range p.GoFiles {
			tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				return fmt.Errorf("parser.ParseFile: %w", err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				name, err := strconv.Unquote(literal.Value)
				if name = strings.Trim(name, "/"); err != nil || name == "" {
					return true
				}
				if info, err := os.Stat(filepath.Join(repository.Root, filepath.FromSlash(name))); err == nil && !info.IsDir() && path.Base(name) != "template.yaml" {
					in.add(inside(filepath.Join(p.Dir, file))+" names it", name)
				} else if repository.Exists(path.Join(name, "go.mod")) {
					in.add(inside(filepath.Join(p.Dir, file))+" names its module", path.Join(name, "go.mod"))
				}
				return true
			})
		}
	}
	return nil
}
