package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// trusting is a client that trusts the CA of the folder.
func trusting(t *testing.T, dir string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatal("no CA")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestOnePortForHTTPAndHTTPS(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tls")
	listener, err := listen(t.Context(), "127.0.0.1:0", dir)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, map[bool]string{false: "plain ", true: "tls "}[r.TLS != nil]+string(body))
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	silent, err := net.Dial("tcp", listener.Addr().String()) // must not hold up the others
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	client := trusting(t, dir)
	for address, want := range map[string]string{
		"http://127.0.0.1:" + port: "plain x", "https://127.0.0.1:" + port: "tls x", "https://localhost:" + port: "tls x",
	} {
		for range 2 { // the second time on a connection that is open
			res, err := client.Post(address, "text/plain", io.NopCloser(&oneX{}))
			if err != nil {
				t.Fatalf("%s: %v", address, err)
			}
			body, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if string(body) != want {
				t.Errorf("%s: %q, want %q", address, body, want)
			}
		}
	}
	if _, err := http.Get("https://127.0.0.1:" + port); err == nil {
		t.Error("a client that does not trust the CA connects")
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve ended with %v", err)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("the port is still open")
	}
}

// oneX is a body whose length is not known.
type oneX struct{ done bool }

func (o *oneX) Read(p []byte) (int, error) {
	if o.done {
		return 0, io.EOF
	}
	o.done = true
	return copy(p, "x"), nil
}

func TestCertificateOfAFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tls")
	now := time.Now()
	first, err := Certificate(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 { // no key of the CA
		t.Errorf("files %v, %v", entries, err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("others may read %s: %v", entry.Name(), err)
		}
	}
	same := func(when time.Time) bool {
		t.Helper()
		again, err := Certificate(dir, when)
		if err != nil {
			t.Fatal(err)
		}
		return again.Leaf.Equal(first.Leaf)
	}
	if !same(now.Add(300 * 24 * time.Hour)) {
		t.Error("a valid certificate is replaced")
	}
	if same(now.Add(395 * 24 * time.Hour)) {
		t.Error("a certificate that is about to expire is kept")
	}
	if first, err = Certificate(dir, now); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "tls")
	if _, err := Certificate(other, now); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(other, caFile), filepath.Join(dir, caFile)); err != nil {
		t.Fatal(err)
	}
	if same(now) {
		t.Error("a certificate of another CA is kept")
	}
}

// The CA may sign for this machine's own names only.
func TestCASignsNothingElse(t *testing.T) {
	t.Parallel()
	texts, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(texts[caFile], texts[keyFile])
	if err == nil {
		t.Fatalf("the key that is kept is the CA's: %v", pair.Leaf.Subject)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(texts[caFile])
	leaf, err := tls.X509KeyPair(texts[leafFile], texts[keyFile])
	if err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{"localhost": true, "127.0.0.1": true, "example.com": false, "127.0.0.2": false} {
		_, err := leaf.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
		if (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
