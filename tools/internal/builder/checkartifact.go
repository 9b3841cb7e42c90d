package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

// Digest returns the SHA-256, in hex, of the build.json in a folder. It contains the
// checksum of everything that is deployed, so it stands for the artifact as a whole.
func Digest(folder string) (string, error) { return checksum(filepath.Join(folder, aboutFile)) }

// CheckArtifact compares the artifact in a folder with the digest of the build that was approved,
// and each object that the artifact names with its checksum. What agrees is copied to
// b.Out. Until then the artifact, which builds of other commits could have replaced, is
// not trusted: only the digest comes from the execution itself.
func (b Build) CheckArtifact(ctx context.Context, folder, digest string) error {
	o, err := b.openObjects(ctx)
	if err != nil {
		return err
	}
	if err := b.clear(nil, packagedFile, aboutFile); err != nil {
		return err
	}
	return b.checkArtifact(ctx, o, folder, digest)
}

func (b Build) checkArtifact(ctx context.Context, o objects, folder, digest string) error {
	got, err := Digest(folder)
	if err != nil {
		return err
	}
	if got != digest {
		return fmt.Errorf("%s has the SHA-256 %s, but the approved build made one with %s: the artifact was replaced", aboutFile, got, digest)
	}
	raw, err := os.ReadFile(filepath.Join(folder, aboutFile))
	if err != nil {
		return fmt.Errorf("os.ReadFile: %w", err)
	}
	var built about
	if err := json.Unmarshal(raw, &built); err != nil {
		return fmt.Errorf("%s: json.Unmarshal: %w", aboutFile, err)
	}
	if built.Service != b.Service {
		return fmt.Errorf("%s is of %s, not of %s", aboutFile, built.Service, b.Service)
	}
	files, err := b.approvedFiles(folder, built.Files)
	if err != nil {
		return err
	}
	if err := o.named(files[packagedFile], built.Objects); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(built.Objects)) {
		if err := o.compare(ctx, key, built.Objects[key]); err != nil {
			return err
		}
		b.print("as built: s3://%s/%s", o.bucket, key)
	}
	files[aboutFile] = raw
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(b.Out, name)), 0o750); err != nil {
			return fmt.Errorf("os.MkdirAll: %w", err)
		}
		if err := b.write(name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

// approvedFiles returns the artifact's files that are deployed, if they are those of the
// build.
func (b Build) approvedFiles(folder string, sums map[string]string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range deployedFiles() {
		raw, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, fmt.Errorf("os.ReadFile: %w", err)
		}
		if got := sumOf(raw); got != sums[name] {
			return nil, fmt.Errorf("%s has the SHA-256 %s, but the build made one with %q: it was replaced", name, got, sums[name])
		}
		files[name] = raw
	}
	return files, nil
}

// deployedFiles are the artifact's files that CloudFormation gets.
func deployedFiles() []string {
	names := []string{packagedFile}
	for _, environment := range stacks.Environments {
		names = append(names, configDir+"/"+environment+".json")
	}
	return names
}

// fileSums returns the SHA-256 of the files that are deployed and were made.
func (b Build) fileSums() (map[string]string, error) {
	sums := map[string]string{}
	for _, name := range deployedFiles() {
		sum, err := checksum(filepath.Join(b.Out, name))
		if errors.Is(err, os.ErrNotExist) { // no packaged template without a bucket
			continue
		}
		if err != nil {
			return nil, err
		}
		sums[name] = sum
	}
	return sums, nil
}

// named returns an error if a packaged template names an object whose checksum is not
// known.
func (o objects) named(packaged []byte, sums map[string]string) error {
	t, err := template.Parse(packagedFile, packaged)
	if err != nil {
		return err
	}
	var errs []error
	template.Walk(template.Get(t.Root, "Resources"), func(n *yaml.Node) {
		for key, value := range template.Pairs(n) {
			reference := value.Value
			if key.Value != "TemplateURL" && !strings.HasPrefix(reference, "s3://") {
				continue
			}
			key, err := o.keyOf(reference)
			if err == nil && sums[key] == "" {
				err = fmt.Errorf("%s names %s, whose checksum is not in %s", packagedFile, reference, aboutFile)
			}
			errs = append(errs, err)
		}
	})
	return errors.Join(errs...)
}
