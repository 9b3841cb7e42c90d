package sam

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/template"
)

const (
	functionType = "AWS::Serverless::Function"
	// versionMark is the property that MarkVersions sets.
	versionMark = "AutoPublishCodeSha256"
)

// Unversioned are the properties of a function that are not part of a version: a
// change of one of them must not make a new version. All others are, also those that
// SAM adds later: a version too many only costs a deployment, and with a version too
// few the alias keeps the old setting. The list is that of VERSION_LOCKED in
// packages/aws-cdk-lib/aws-lambda/lib/function-hash.ts (github.com/aws/aws-cdk), and
// what SAM makes other resources from. VersionDescription is not one of them: a version
// whose description changes is replaced, and Lambda refuses the new one if nothing else
// of the function changed.
var Unversioned = []string{
	"AssumeRolePolicyDocument", "AutoPublishAlias", "AutoPublishAliasAllProperties", versionMark, "CodeSigningConfigArn",
	"CodeUri", "DeploymentPreference", "EventInvokeConfig", "Events", "FunctionName", "FunctionUrlConfig",
	"PermissionsBoundary", "Policies", "PropagateTags", "ProvisionedConcurrencyConfig", "RecursiveLoop",
	"ReservedConcurrentExecutions", "RolePath", "Tags", "VersionDeletionPolicy",
}

// MarkVersions reads a built template and writes it to out with a hash of each
// function's code and settings. SAM takes the logical id of the function's version
// from this hash, and appends the hash to the function's description.
//
// Without it SAM hashes the bucket and the key of the code. Equal code that was
// uploaded to another place would then be a new version, which Lambda refuses if
// nothing else of the function changed:
// https://github.com/aws/serverless-application-model/issues/1375
//
// A salt makes another hash of the same function, for a function that was changed
// without CloudFormation.
func MarkVersions(path, out, salt string) error {
	t, err := template.ReadFile(path)
	if err != nil {
		return err
	}
	globals := template.Get(t.Root, "Globals", "Function")
	for _, f := range t.Resources(functionType) {
		properties := f.Prop()
		sum := sha256.New()
		write(sum, salt)
		if err := writeSettings(sum, merged(globals, properties)); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		if err := writeTree(sum, filepath.Join(filepath.Dir(path), filepath.FromSlash(template.Text(f.Prop("CodeUri"))))); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		set(properties, versionMark, hex.EncodeToString(sum.Sum(nil)))
	}
	raw, err := yaml.Marshal(t.Root)
	if err != nil {
		return fmt.Errorf("yaml.Marshal: %w", err)
	}
	return files.Replace(out, raw)
}

// merged is a function's properties with those of the Globals section, as SAM merges
// them: mappings by key, lists one after the other, and of all else the function's own
// (https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html).
func merged(global, own *yaml.Node) *yaml.Node {
	switch {
	case global == nil:
		return own
	case own == nil:
		return global
	case global.Kind != own.Kind || global.Tag != own.Tag:
		return own
	case own.Kind == yaml.SequenceNode:
		return &yaml.Node{Kind: own.Kind, Tag: own.Tag, Content: slices.Concat(global.Content, own.Content)}
	case own.Kind != yaml.MappingNode:
		return own
	}
	both := &yaml.Node{Kind: own.Kind, Tag: own.Tag}
	for key, value := range template.Pairs(global) {
		both.Content = append(both.Content, key, merged(value, template.Get(own, key.Value)))
	}
	for key, value := range template.Pairs(own) {
		if template.Get(global, key.Value) == nil {
			both.Content = append(both.Content, key, value)
		}
	}
	return both
}

// writeSettings adds the properties that are part of a version, in the order of their
// names.
func writeSettings(sum hash.Hash, properties *yaml.Node) error {
	var names []string
	for key := range template.Pairs(properties) {
		if !slices.Contains(Unversioned, key.Value) {
			names = append(names, key.Value)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		// Decoded and written again, so that neither style nor order matters.
		var value any
		n := tagless(template.Get(properties, name))
		if err := n.Decode(&value); err != nil {
			return fmt.Errorf("%s: yaml.Node.Decode: %w", name, err)
		}
		raw, err := yaml.Marshal(value)
		if err != nil {
			return fmt.Errorf("%s: yaml.Marshal: %w", name, err)
		}
		write(sum, name, string(raw))
	}
	return nil
}

// tagless copies a node with each short form, such as !Sub, as a mapping.
func tagless(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = nil
	for _, child := range n.Content {
		c.Content = append(c.Content, tagless(child))
	}
	if len(c.Tag) > 1 && c.Tag[0] == '!' && c.Tag[1] != '!' {
		name := c.Tag
		c.Tag, c.Style = "", 0
		return &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: name}, &c}}
	}
	return &c
}

// writeTree adds the files of a folder.
func writeTree(sum hash.Hash, dir string) error {
	found := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		return writeFile(sum, dir, path)
	})
	if err != nil {
		return fmt.Errorf("filepath.WalkDir: %w", err)
	}
	if found == 0 {
		return fmt.Errorf("%w: no code in %s", os.ErrNotExist, dir)
	}
	return nil
}

// set sets a key of a mapping.
func set(n *yaml.Node, key, value string) {
	if old := template.Get(n, key); old != nil {
		*old = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
		return
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value})
}
