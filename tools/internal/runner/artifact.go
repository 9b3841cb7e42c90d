package runner

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// pack makes a zip file of files whose names are relative to dir.
func pack(dir string, files []string) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range slices.Sorted(slices.Values(files)) {
		if err := addFile(w, dir, name); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("zip.Writer.Close: %w", err)
	}
	return out.Bytes(), nil
}

func addFile(w *zip.Writer, dir, name string) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("os.Lstat: %w", err)
	}
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: info.ModTime()}
	header.SetMode(info.Mode())
	f, err := w.CreateHeader(header)
	if err != nil {
		return fmt.Errorf("zip.Writer.CreateHeader: %w", err)
	}
	var content []byte
	if info.Mode()&fs.ModeSymlink != 0 {
		var target string
		target, err = os.Readlink(path)
		content = []byte(target)
	} else {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return fmt.Errorf("io.Writer.Write: %w", err)
	}
	return nil
}

// unpack writes the files of a zip file to dir. It writes nothing outside dir.
func unpack(raw []byte, dir string) error {
	r, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return fmt.Errorf("zip.NewReader: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("os.OpenRoot: %w", err)
	}
	defer func() { _ = root.Close() }()
	for _, f := range r.File {
		if err := extract(root, r, f); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

func extract(root *os.Root, r *zip.Reader, f *zip.File) error {
	name := filepath.FromSlash(f.Name)
	if f.FileInfo().IsDir() {
		return root.MkdirAll(name, 0o750)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return fmt.Errorf("os.Root.MkdirAll: %w", err)
	}
	content, err := fs.ReadFile(r, f.Name)
	if err != nil {
		return err
	}
	if f.Mode()&fs.ModeSymlink != 0 {
		return root.Symlink(string(content), name)
	}
	if err := root.WriteFile(name, content, f.Mode().Perm()); err != nil {
		return fmt.Errorf("os.Root.WriteFile: %w", err)
	}
	// Go only reuses the result of a test if the files have the same times.
	return root.Chtimes(name, f.Modified, f.Modified)
}

// fileIn returns one file of a zip file.
func fileIn(raw []byte, name string) ([]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, fmt.Errorf("zip.NewReader: %w", err)
	}
	content, err := fs.ReadFile(r, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("it has no file %s", name)
	}
	return content, err
}
