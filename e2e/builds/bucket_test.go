package builds

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// keyARN is the KMS key that every upload must name.
const keyARN = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000000"

// bucket stands in for S3: it knows the checksums of what it was given, and refuses what
// is not encrypted by the key or could overwrite an object. An emulator would take a
// minute and check less.
type bucket struct {
	*httptest.Server
	mu      sync.Mutex
	sums    map[string]string // by path
	uploads int
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	b := &bucket{sums: map[string]string{}}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// An answer before the end of the upload would reset the connection.
	_, _ = io.Copy(io.Discard, r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	sum, exists := b.sums[r.URL.Path]
	encrypted := r.Header.Get("X-Amz-Server-Side-Encryption") == "aws:kms" && r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") == keyARN
	switch {
	case r.Method == http.MethodHead && exists:
		w.Header().Set("X-Amz-Checksum-Sha256", sum)
		w.Header().Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	case r.Method == http.MethodHead:
		w.WriteHeader(http.StatusNotFound)
	case r.Method != http.MethodPut || !encrypted || r.Header.Get("If-None-Match") != "*" || r.Header.Get("X-Amz-Checksum-Sha256") == "":
		w.WriteHeader(http.StatusForbidden)
	case exists:
		w.WriteHeader(http.StatusPreconditionFailed)
		_, _ = w.Write([]byte("<Error><Code>PreconditionFailed</Code></Error>"))
	default:
		b.sums[r.URL.Path] = r.Header.Get("X-Amz-Checksum-Sha256")
		b.uploads++
	}
}

// takeUploads says how many objects came since it was last asked.
func (b *bucket) takeUploads() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.uploads
	b.uploads = 0
	return n
}
