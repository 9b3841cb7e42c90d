package builder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// objectAPI is the part of S3 that stores an object once and compares it later.
type objectAPI interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
}

// objects are the code and the nested templates of one service in the artifact bucket.
// An object's key contains its checksum, and is never written twice: what is there is
// either equal, or somebody else's.
type objects struct {
	api objectAPI
	// base is the address of S3, such as https://s3.eu-central-1.amazonaws.com.
	base string
	// bucket and prefix are where the objects are, keyID is the KMS key that encrypts
	// them; if it is empty, S3 uses the bucket's.
	bucket, prefix, keyID string
}

// openObjects uses the AWS settings of the shell or of CodeBuild.
func (b Build) openObjects(ctx context.Context) (objects, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(b.region()))
	if err != nil {
		return objects{}, fmt.Errorf("config.LoadDefaultConfig: %w", err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	base := aws.ToString(client.Options().BaseEndpoint)
	if base == "" {
		base = "https://s3." + cfg.Region + ".amazonaws.com"
	}
	return objects{api: client, base: base, bucket: b.Bucket, prefix: "code/" + b.Service + "/", keyID: b.KeyARN}, nil
}

// put stores an object, unless it is there, and returns its key and its SHA-256 in hex.
// An object of other content under the key is an error, because a deployment would use
// it in place of this one.
func (o objects) put(ctx context.Context, content []byte, suffix string) (key, sum string, err error) {
	digest := sha256.Sum256(content)
	sum = hex.EncodeToString(digest[:])
	key = o.prefix + sum + suffix
	in := &s3.PutObjectInput{
		Bucket: &o.bucket, Key: &key, Body: bytes.NewReader(content), IfNoneMatch: aws.String("*"),
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(digest[:])),
	}
	if o.keyID != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = s3types.ServerSideEncryptionAwsKms, &o.keyID
	}
	_, err = o.api.PutObject(ctx, in)
	// S3 answers ConditionalRequestConflict while another upload to the key is under way:
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
	var refused smithy.APIError
	switch {
	case err == nil:
		return key, sum, nil
	case errors.As(err, &refused) && (refused.ErrorCode() == "PreconditionFailed" || refused.ErrorCode() == "ConditionalRequestConflict"):
		return key, sum, o.compare(ctx, key, sum)
	}
	return "", "", fmt.Errorf("s3.PutObject s3://%s/%s: %w", o.bucket, key, err)
}

// compare returns an error unless the object has this SHA-256, in hex. S3 computes the
// checksum of what it stores and refuses an upload whose own checksum differs from it.
func (o objects) compare(ctx context.Context, key, sum string) error {
	name := fmt.Sprintf("s3://%s/%s", o.bucket, key)
	out, err := o.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &o.bucket, Key: &key, ChecksumMode: s3types.ChecksumModeEnabled})
	if err != nil {
		return fmt.Errorf("s3.HeadObject %s: %w", name, err)
	}
	if out.ChecksumType == s3types.ChecksumTypeComposite || out.ChecksumSHA256 == nil {
		return fmt.Errorf("%s has no SHA-256 of its whole content; the build did not upload it", name)
	}
	got, err := base64.StdEncoding.DecodeString(*out.ChecksumSHA256)
	if err != nil {
		return fmt.Errorf("%s: base64.Encoding.DecodeString: %w", name, err)
	}
	if hex.EncodeToString(got) != sum {
		return fmt.Errorf("%s has the SHA-256 %x and not %s; find out who uploaded it before anything is deployed", name, got, sum)
	}
	return nil
}

// url is the address of an object in the form that CloudFormation accepts for a nested
// template.
func (o objects) url(key string) string { return o.base + "/" + o.bucket + "/" + key }

// keyOf returns the key of an object that a packaged template names, or an error if it is
// not one of this service's.
func (o objects) keyOf(reference string) (string, error) {
	for _, form := range []string{"s3://" + o.bucket + "/", o.url("")} {
		if key, ok := strings.CutPrefix(reference, form); ok && strings.HasPrefix(key, o.prefix) {
			return key, nil
		}
	}
	return "", fmt.Errorf("%s is not below s3://%s/%s", reference, o.bucket, o.prefix)
}
