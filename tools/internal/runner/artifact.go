// Package artifact hands on what one action makes to those that name it: zips in
// the artifact bucket, below the pipeline's own folder, encrypted with its key.
package artifact

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// CodePipeline cuts both names that make an artifact's key.
const (
	pipelineName = 20
	artifactName = 10
)

// Store is where a pipeline keeps its artifacts.
type Store struct {
	Bucket, Key, Pipeline string
}

// Put stores a zip with the rights of whoever made it and returns its key.
func (s Store) Put(ctx context.Context, as aws.Config, name string, zip []byte) (string, error) {
	key := strings.Join([]string{cut(s.Pipeline, pipelineName), cut(name, artifactName), rand.Text()[:7]}, "/")
	in := &s3.PutObjectInput{Bucket: &s.Bucket, Key: &key, Body: bytes.NewReader(zip)}
	if s.Key != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, &s.Key
	}
	if _, err := client(as).PutObject(ctx, in); err != nil {
		return "", fmt.Errorf("s3.PutObject %s/%s: %w", s.Bucket, key, err)
	}
	return key, nil
}

// Get reads a zip with the rights of whoever needs it.
func (s Store) Get(ctx context.Context, as aws.Config, key string) ([]byte, error) {
	out, err := client(as).GetObject(ctx, &s3.GetObjectInput{Bucket: &s.Bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("s3.GetObject %s/%s: %w", s.Bucket, key, err)
	}
	defer func() { _ = out.Body.Close() }()
	zip, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, fmt.Errorf("io.ReadAll: %w", err)
	}
	return zip, nil
}

func client(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

func cut(name string, length int) string {
	if len(name) > length {
		return name[:length]
	}
	return name
}
