package builder

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

// upload uploads code and nested templates, writes the packaged template, and returns the
// SHA-256 of each object that it names, by key. `sam package` does the same, but skips an
// object that is there without looking at it, and cannot be told not to overwrite one.
func (b Build) upload(ctx context.Context, cli sam.CLI, s stacks.Stack) (map[string]string, error) {
	if b.Bucket == "" {
		b.print("no ARTIFACT_BUCKET: nothing is uploaded and %s is not written", packagedFile)
		return map[string]string{}, nil
	}
	o, err := b.openObjects(ctx)
	if err != nil {
		return nil, err
	}
	path := s.Template()
	if len(s.Functions) > 0 {
		path = filepath.Join(cli.Workspace.BuildDir(s.Name), "template.yaml")
	}
	b.print("uploading to s3://%s/%s", o.bucket, o.prefix)
	p := packager{objects: o, sums: map[string]string{}}
	packaged, err := p.template(ctx, path)
	if err != nil {
		return nil, err
	}
	return p.sums, b.write(packagedFile, packaged)
}

// packager replaces the paths in templates by objects of a bucket.
type packager struct {
	objects objects
	// sums are the SHA-256 of the uploaded objects, by key.
	sums map[string]string
}

// references are the properties that name local files: of SAM's resources, and
// TemplateURL. Gatehouse's templates use the first two, and any other one is refused.
var references = []string{"CodeUri", "TemplateURL", "BodyS3Location", "ContentUri", "DefinitionS3Location", "DefinitionUri", "ImageUri", "Location"}

// template returns a template without comments, whose files are uploaded.
func (p packager) template(ctx context.Context, path string) ([]byte, error) {
	t, err := template.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for _, r := range t.Resources("") {
		for _, property := range references {
			n := r.Prop(property)
			if n == nil || property != "TemplateURL" && !strings.HasPrefix(r.Type, "AWS::Serverless::") {
				continue
			}
			if err := p.replace(ctx, r, property, n); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", r, property, err)
			}
		}
	}
	template.Walk(t.Root, func(n *yaml.Node) { n.HeadComment, n.LineComment, n.FootComment = "", "", "" })
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(t.Root); err != nil {
		return nil, fmt.Errorf("yaml.Encoder.Encode: %w", err)
	}
	return out.Bytes(), nil
}

func (p packager) replace(ctx context.Context, r template.Resource, property string, n *yaml.Node) error {
	path := filepath.Join(filepath.Dir(r.Path), filepath.FromSlash(n.Value))
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag != "!!str":
		return fmt.Errorf("%s is not a path", template.Text(n))
	case property == "CodeUri" && r.Type == "AWS::Serverless::Function":
		code, err := zipFolder(path)
		if err != nil {
			return err
		}
		key, err := p.put(ctx, code, "")
		n.Value = "s3://" + p.objects.bucket + "/" + key
		return err
	case property == "TemplateURL" && r.Type == template.StackType:
		nested, err := p.template(ctx, path)
		if err != nil {
			return err
		}
		key, err := p.put(ctx, nested, ".template")
		n.Value = p.objects.url(key)
		return err
	}
	return fmt.Errorf("the build does not upload what %s of %s names", property, r.Type)
}

func (p packager) put(ctx context.Context, content []byte, suffix string) (string, error) {
	key, sum, err := p.objects.put(ctx, content, suffix)
	p.sums[key] = sum
	return key, err
}

// zipFolder makes a zip file of a folder whose bytes depend on its files' names and
// content only. Everyone may read and execute the files, as Lambda needs it.
func zipFolder(dir string) ([]byte, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("filepath.WalkDir: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no files", dir)
	}
	slices.Sort(names)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, path := range names {
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return nil, fmt.Errorf("filepath.Rel: %w", err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("os.ReadFile: %w", err)
		}
		header := &zip.FileHeader{Name: filepath.ToSlash(rel), Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		header.SetMode(0o755)
		f, err := w.CreateHeader(header)
		if err != nil {
			return nil, fmt.Errorf("zip.Writer.CreateHeader: %w", err)
		}
		if _, err := f.Write(content); err != nil {
			return nil, fmt.Errorf("io.Writer.Write: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("zip.Writer.Close: %w", err)
	}
	return out.Bytes(), nil
}
