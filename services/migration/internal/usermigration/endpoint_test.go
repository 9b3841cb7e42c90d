package usermigration

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/function"
)

const secret = "0123456789abcdef0123456789abcdef"

func key(context.Context) ([]byte, error) { return []byte(secret), nil }

// awsFixture is aws-lambda-go's payload.
func awsFixture(t *testing.T) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", "cognito-event-userpools-migrateuser.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// serve starts an old system, and an Endpoint that trusts its certificate.
func serve(t *testing.T, answer http.HandlerFunc) *Endpoint {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	e, err := NewEndpoint(server.URL+"/gatehouse", key, moment)
	if err != nil {
		t.Fatal(err)
	}
	transport, is := server.Client().Transport.(*http.Transport)
	if !is {
		t.Fatal("another transport")
	}
	transport.TLSClientConfig.MinVersion = 0x0303
	e.transport = transport
	return e
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

const found = `{"found":true,"address":"` + address + `","emailVerified":true,"attributes":{"name":"Ada"}}`

// TestQuestion: what the old system gets, and that it can check who asks.
func TestQuestion(t *testing.T) {
	t.Parallel()
	var got []map[string]any
	e := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := "v1=" + sign([]byte(secret), r.Header.Get(TimestampHeader), body)
		if r.Method != http.MethodPost || r.URL.Path != "/gatehouse" || r.Header.Get(TimestampHeader) != "1796029200" || !hmac.Equal([]byte(mac), []byte(r.Header.Get(SignatureHeader))) {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		var q map[string]any
		if json.Unmarshal(body, &q) != nil {
			t.Errorf("body %s", body)
		}
		got = append(got, q)
		says(found)(w, r)
	})
	want := Person{Attributes: map[string]string{"name": "Ada"}, Verified: true}
	if p, err := e.SignIn(t.Context(), address, password); err != nil || !cmp.Equal(p, want) {
		t.Errorf("SignIn = %+v, %v", p, err)
	}
	if p, err := e.Find(t.Context(), address); err != nil || !cmp.Equal(p, want) {
		t.Errorf("Find = %+v, %v", p, err)
	}
	if diff := cmp.Diff([]map[string]any{
		{"version": 1.0, "action": "sign-in", "address": address, "password": password},
		{"version": 1.0, "action": "find", "address": address},
	}, got); diff != "" {
		t.Errorf("questions (-want +got):\n%s", diff)
	}
}

// TestSignature: the vector that the example of an old system is tested with, too.
func TestSignature(t *testing.T) {
	t.Parallel()
	body, err := function.Encode(question{Version: 1, Action: actionFind, Address: "ada@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sign([]byte(secret), "1796029200", body), "706d37cd3710bdf16afb2b780e3679344ad331937abc0a700d5e58d1363445dc"; got != want {
		t.Errorf("signature of %s: %s, want %s", body, got, want)
	}
}

// TestOldSystemsThatLie: none of these lets anybody in, and none is taken for a wrong password.
func TestOldSystemsThatLie(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, found)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"html": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, found)
		},
		"no_type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "")
			_, _ = io.WriteString(w, found)
		},
		"html_as_json":   says("<html>found</html>"),
		"nothing":        says(""),
		"null":           says("null"),
		"empty":          says("{}"),
		"found_is_text":  says(`{"found":"true","address":"` + address + `"}`),
		"two_values":     says(found + found),
		"more_fields":    says(strings.Replace(found, `{"found"`, `{"admin":true,"found"`, 1)),
		"another_person": says(strings.Replace(found, address, "root@example.org", 1)),
		"no_address":     says(`{"found":true}`),
		"numbers":        says(strings.Replace(found, `"Ada"`, "5", 1)),
		"created":        status(201),
		"unauthorized":   status(401),
		"not_found":      status(404),
		"error":          status(500),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/gatehouse" {
				t.Errorf("the redirect was followed to %s", r.URL)
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"ten_megabytes": says(`{"found":true,"address":"` + address + `","attributes":{"name":"` + strings.Repeat("x", 10<<20) + `"}}`),
		"spaces":        says(found + strings.Repeat(" ", MaxAnswer)),
		"half": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			says(found)(w, r)
		},
		"hangs_up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := serve(t, answer).SignIn(t.Context(), address, password)
			if err == nil || errors.Is(err, ErrRefused) {
				t.Errorf("SignIn: %v", err)
			}
			if text := fmt.Sprint(err); strings.Contains(text, password) || strings.Contains(text, address) || strings.Contains(text, "root@") {
				t.Errorf("the error says %s", text)
			}
		})
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	if _, err := serve(t, says(`{"found":false}`)).SignIn(t.Context(), address, password); !errors.Is(err, ErrRefused) {
		t.Errorf("SignIn: %v", err)
	}
}

// TestHangingOldSystem: the question ends before the invocation does, and after some
// failures nobody waits.
func TestHangingOldSystem(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	e := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the caller has gone
		<-r.Context().Done()
	})
	now := moment()
	e.now = func() time.Time { return now }
	try := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*reserve+60*time.Millisecond)
		defer cancel()
		_, err := e.SignIn(ctx, address, password)
		if ctx.Err() != nil {
			t.Error("the invocation has ended")
		}
		return err
	}
	for range breakAfter {
		if err := try(); err == nil || errors.Is(err, errOpen) {
			t.Fatalf("SignIn: %v", err)
		}
	}
	before := asked.Load()
	if err := try(); !errors.Is(err, errOpen) || asked.Load() != before {
		t.Errorf("SignIn: %v, asked %d times", err, asked.Load()-before)
	}
	now = now.Add(pause)
	if err := try(); errors.Is(err, errOpen) {
		t.Errorf("after the pause: %v", err)
	}
	if err := try(); !errors.Is(err, errOpen) {
		t.Errorf("after a failed attempt: %v", err)
	}
}

// TestRefusalsCloseTheBreaker: somebody who mistypes a password opens nothing.
func TestRefusalsCloseTheBreaker(t *testing.T) {
	t.Parallel()
	var b breaker
	down := errors.New("down")
	for i, answer := range []error{down, down, ErrRefused, down, down, nil, down, down, down} {
		if err := b.call(moment, func() error { return answer }); !errors.Is(err, answer) {
			t.Errorf("call %d: %v, want %v", i, err, answer)
		}
	}
	if err := b.call(moment, func() error { return nil }); !errors.Is(err, errOpen) {
		t.Errorf("after three failures: %v", err)
	}
}

func TestUntrustedOldSystem(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(says(found))
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	e, err := NewEndpoint(server.URL, key, moment)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.SignIn(t.Context(), address, password); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("SignIn: %v", err)
	}
}

func TestNewEndpoint(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"https://login.example.com/gatehouse": true, "http://127.0.0.1:8080/x": true, "http://[::1]/x": true,
		"http://login.example.com/": false, "http://localhost/": false, "http://127.0.0.1.example.com/": false, "ftp://127.0.0.1/": false,
		"https://user:secret@example.com/": false, "https:///x": false, "table": false, "": false, "https://example.com/#x": false,
	} {
		if _, err := NewEndpoint(url, key, moment); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}
