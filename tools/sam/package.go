package sam

import (
	"context"
	"io"

	"gatehouse.example/tools/stacks"
)

// Upload says where Package puts a stack's code and nested templates.
type Upload struct {
	// Template is the template to package: the built one, or the stack's own if it has no functions.
	Template string
	// Prefix comes before each key, which is a hash of what the object holds.
	Prefix string
	// KeyID is the KMS key of the objects; if empty, S3 encrypts them by itself.
	KeyID string
	// Out is where the template goes that names the objects.
	Out string
}

// Package uploads what a template refers to into the CLI's bucket, as far as
// it is not there yet, and writes the template that CloudFormation takes.
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
