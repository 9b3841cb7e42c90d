package runner

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

// CodePipeline truncates both names in the key of an artifact.
const (
	pipelineNameLimit = 20
	artifactNameLimit = 10
)

// artifactStore is where a pipeline keeps its artifacts: zip files in the artifact
// bucket, in the pipeline's own folder, encrypted with the bucket's key.
type artifactStore struct {
	bucket, keyID, pipeline string
}

// put stores a zip file with the given credentials and returns its key.
func (s artifactStore) put(ctx context.Context, as aws.Config, name string, zip []byte) (string, error) {
	key := strings.Join([]string{truncate(s.pipeline, pipelineNameLimit), truncate(name, artifactNameLimit), rand.Text()[:7]}, "/")
	in := &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(zip)}
	if s.keyID != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, &s.keyID
	}
	if _, err := s3Client(as).PutObject(ctx, in); err != nil {
		return "", fmt.Errorf("s3.PutObject %s/%s: %w", s.bucket, key, err)
	}
	return key, nil
}

// get reads a zip file with the given credentials.
func (s artifactStore) get(ctx context.Context, as aws.Config, key string) ([]byte, error) {
	out, err := s3Client(as).GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("s3.GetObject %s/%s: %w", s.bucket, key, err)
	}
	defer func() { _ = out.Body.Close() }()
	zip, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, fmt.Errorf("io.ReadAll: %w", err)
	}
	return zip, nil
}

func s3Client(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

func truncate(name string, length int) string { return name[:min(length, len(name))] }
