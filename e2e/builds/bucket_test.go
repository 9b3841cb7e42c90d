package builds

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// keyARN is the KMS key that every upload must name.
const keyARN = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000000"

// bucket stands in for S3: it knows which keys it was given, and refuses what is
// not encrypted by the key. An emulator would take a minute and check less.
type bucket struct {
	*httptest.Server
	mu      sync.Mutex
	keys    []string
	uploads int
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	b := &bucket{}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.Method == http.MethodHead && slices.Contains(b.keys, r.URL.Path):
		w.WriteHeader(http.StatusOK)
	case r.Method == http.MethodHead:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Server-Side-Encryption") == "aws:kms" && r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") == keyARN:
		b.keys = append(b.keys, r.URL.Path)
		b.uploads++
	default:
		w.WriteHeader(http.StatusForbidden)
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
