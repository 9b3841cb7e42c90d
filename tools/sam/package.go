package sam

import (
	"context"
	"io"

	"gatehouse.example/tools/stacks"
)

// Upload is where Package stores a stack's code and nested templates.
type Upload struct {
	// Template is the template to package: the built one, or the stack's own if it has no functions.
	Template string
	// Prefix is put before each key, which is a hash of the object.
	Prefix string
	// KeyID is the KMS key of the objects; if it is empty, S3 uses its own key.
	KeyID string
	// Out is the path of the resulting template.
	Out string
}

// Package uploads the files of a template to the CLI's bucket, unless they exist,
// and writes a template that refers to the objects.
func (c CLI) Package(ctx context.Context, s stacks.Stack, u Upload, log io.Writer) error {
	args := []string{
		"package", "--template-file", u.Template, "--output-template-file", u.Out, "--region", c.Workspace.Region,
		"--s3-bucket", c.Bucket, "--s3-prefix", u.Prefix, "--no-progressbar",
	}
	if u.KeyID != "" {
		args = append(args, "--kms-key-id", u.KeyID)
	}
	return c.run(ctx, s.Dir, append(args, c.common(s)...), log)
}
