package publish

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRoots: the file has the five roots that Amazon Trust Services names, by the
// SHA-256 hashes of their keys (https://www.amazontrust.com/repository/), and no other.
func TestRoots(t *testing.T) {
	t.Parallel()
	want := []string{
		"fbe3018031f9586bcbf41727e417b7d1c45c2f47f93be372a17b96b50757d5a2", // Amazon Root CA 1
		"7f4296fc5b6a4e3b35d3c369623e364ab1af381d8fa7121533c9d6c633ea2461", // Amazon Root CA 2
		"36abc32656acfc645c61b71613c4bf21c787f5cabbee48348d58597803d7abc9", // Amazon Root CA 3
		"f7ecded5c66047d28ed6466b543c40e0743abe81d109254dcf845d4c2c7853c5", // Amazon Root CA 4
		"2b071c59a0a0ae76b0eadb2bad23bad4580b69c3601b630c2eaf0613afa83f92", // Starfield Services Root Certificate Authority - G2
	}
	var got []string
	for rest := rootsPEM; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatalf("x509.ParseCertificate: %v", err)
		}
		hash := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
		got = append(got, hex.EncodeToString(hash[:]))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if parsed := x509.NewCertPool(); !parsed.AppendCertsFromPEM(rootsPEM) || !parsed.Equal(amazonRoots()) || bytes.Count(rootsPEM, []byte("BEGIN")) != len(want) {
		t.Error("the pool has other roots than the file")
	}
}

// authority signs certificates of servers on 127.0.0.1.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("ecdsa.GenerateKey: %v", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: rand.Text()}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	return authority{sign(t, template, template, &key.PublicKey, key), key}
}

func sign(t *testing.T, template, parent *x509.Certificate, public *ecdsa.PublicKey, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		t.Fatalf("x509.CreateCertificate: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("x509.ParseCertificate: %v", err)
	}
	return cert
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// serve starts a server with a certificate of a, valid until then, and keeps the bodies
// that it receives.
func (a authority) serve(t *testing.T, address string, until time.Time) (url string, received *atomic.Value) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("ecdsa.GenerateKey: %v", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.ParseIP(address)}, NotBefore: until.Add(-time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert := sign(t, template, a.cert, &key.PublicKey, a.key)
	received = &atomic.Value{}
	received.Store("")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received.Store(received.Load().(string) + string(body))
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = discard()
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, received
}

// counted counts the requests of a round tripper.
type counted struct {
	http.RoundTripper
	n atomic.Int32
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.RoundTripper.RoundTrip(r)
}

// TestChains: a server is reached if Amazon's roots or the machine's verify it. What is
// sent to any other is nothing.
func TestChains(t *testing.T) {
	t.Parallel()
	amazon, machine, stranger := newAuthority(t), newAuthority(t), newAuthority(t)
	soon, past := time.Now().Add(30*time.Minute), time.Now().Add(-time.Minute)
	for name, tc := range map[string]struct {
		of      authority
		address string
		until   time.Time
		// The requests of two calls to each transport, and whether they reach the server.
		amazon, machine int32
		reached         bool
	}{
		"amazons_root":         {amazon, "127.0.0.1", soon, 2, 0, true},
		"a_root_of_machine":    {machine, "127.0.0.1", soon, 1, 2, true},
		"unknown_root":         {stranger, "127.0.0.1", soon, 1, 2, false},
		"amazons_expired":      {amazon, "127.0.0.1", past, 1, 2, false},
		"amazons_other_server": {amazon, "127.0.0.2", soon, 1, 2, false},
		"machines_expired":     {machine, "127.0.0.1", past, 1, 2, false},
		"machines_other":       {machine, "127.0.0.2", soon, 1, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, received := tc.of.serve(t, tc.address, tc.until)
			first, second := &counted{RoundTripper: newTransport(amazon.pool())}, &counted{RoundTripper: newTransport(machine.pool())}
			client := httpClient{&amazonFirst{amazon: first, machine: second}}
			for range 2 {
				err := send(t.Context(), client, url)
				var unverified *tls.CertificateVerificationError
				if (err == nil) != tc.reached || err != nil && !errors.As(err, &unverified) {
					t.Errorf("Do: %v, want it reached: %v", err, tc.reached)
				}
			}
			want := ""
			if tc.reached {
				want = strings.Repeat("event", 2)
			}
			if got := received.Load(); got != want {
				t.Errorf("the server received %q, want %q", got, want)
			}
			if a, m := first.n.Load(), second.n.Load(); a != tc.amazon || m != tc.machine {
				t.Errorf("%d requests with Amazon's roots and %d with the machine's, want %d and %d", a, m, tc.amazon, tc.machine)
			}
		})
	}
}

func send(ctx context.Context, c httpClient, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("event"))
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.Body.Close()
}

// TestOtherErrorsStay: only a chain that cannot be verified leads to the machine's roots.
func TestOtherErrorsStay(t *testing.T) {
	t.Parallel()
	wanted := errors.New("reset by peer")
	client := &amazonFirst{
		amazon: roundTrip(func(*http.Request) (*http.Response, error) { return nil, wanted }),
		machine: roundTrip(func(*http.Request) (*http.Response, error) {
			t.Error("the machine's roots were asked")
			return nil, wanted
		}),
	}
	if err := send(t.Context(), httpClient{client}, "https://sns.invalid"); !errors.Is(err, wanted) {
		t.Errorf("Do: %v", err)
	}
}

// TestMachineGetsTheWholeBody: a transport may close the body of a request that it does
// not send.
func TestMachineGetsTheWholeBody(t *testing.T) {
	t.Parallel()
	client := &amazonFirst{
		amazon: roundTrip(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			return nil, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
		}),
		machine: roundTrip(func(r *http.Request) (*http.Response, error) {
			if body, err := io.ReadAll(r.Body); err != nil || string(body) != "event" {
				t.Errorf("the second transport reads %q, %v", body, err)
			}
			return &http.Response{Body: http.NoBody}, nil
		}),
	}
	if err := send(t.Context(), httpClient{client}, "https://sns.invalid"); err != nil {
		t.Errorf("Do: %v", err)
	}
}

// TestEveryTransportVerifies: none of a publisher's transports skips verification, and
// variables that name roots for the whole process count.
func TestEveryTransportVerifies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env   map[string]string
		roots []*x509.CertPool
	}{
		"nothing_set": {nil, []*x509.CertPool{amazonRoots(), nil}},
		"file":        {map[string]string{"SSL_CERT_FILE": "/etc/ssl/own.pem"}, []*x509.CertPool{nil}},
		"folder":      {map[string]string{"SSL_CERT_DIR": "/etc/own"}, []*x509.CertPool{nil}},
	} {
		c, err := ConfigFromEnv(func(n string) string {
			if v, ok := tc.env[n]; ok || strings.HasPrefix(n, "SSL_") || strings.HasPrefix(n, "AWS_USE_") {
				return v
			}
			return "x"
		})
		if err != nil {
			t.Fatalf("ConfigFromEnv: %v", err)
		}
		var got []*x509.CertPool
		for _, transport := range transports(t, newHTTPClient(c.machineRoots).RoundTripper) {
			conf := transport.TLSClientConfig
			if conf.InsecureSkipVerify || conf.MinVersion < tls.VersionTLS12 || conf.VerifyConnection != nil {
				t.Errorf("%s: a transport does not verify: %+v", name, conf)
			}
			got = append(got, conf.RootCAs)
		}
		if !slices.EqualFunc(got, tc.roots, (*x509.CertPool).Equal) {
			t.Errorf("%s: other roots than wanted", name)
		}
	}
}

func transports(t *testing.T, r http.RoundTripper) []*http.Transport {
	t.Helper()
	switch r := r.(type) {
	case *http.Transport:
		return []*http.Transport{r}
	case *amazonFirst:
		return append(transports(t, r.amazon), transports(t, r.machine)...)
	}
	t.Fatalf("a round tripper of type %T", r)
	return nil
}

func discard() *log.Logger { return log.New(io.Discard, "", 0) }
