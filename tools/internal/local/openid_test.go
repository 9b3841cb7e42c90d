package local

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/stacks"
)

const idpResponse = "http://127.0.0.1:4566/oauth2/idpresponse"

// visitor is a person and the pool at once: it does not follow the way back.
type visitor struct {
	*testing.T
	*http.Client
	issuer string
}

func newVisitor(t *testing.T) visitor {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	p, err := newProvider("Acme", issuer, "s3cret", 4566)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = p.routes()
	server.Start()
	t.Cleanup(server.Close)
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return visitor{t, client, issuer}
}

// read decodes what an address answers.
func (v visitor) read(resp *http.Response, err error) (status int, body map[string]any) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.Fatal(err)
	}
	if err := json.Unmarshal(text, &body); err != nil {
		v.Fatalf("%s: %s", err, text)
	}
	return resp.StatusCode, body
}

func (v visitor) authorizeURL(redirect string) string {
	return v.issuer + "/authorize?" + url.Values{
		"client_id": {"gatehouse"}, "response_type": {"code"}, "redirect_uri": {redirect}, "state": {"st"}, "nonce": {"no"},
	}.Encode()
}

// leave fills the page in and returns where it leads.
func (v visitor) leave(email, answer string) url.Values {
	v.Helper()
	resp, err := v.PostForm(v.authorizeURL(idpResponse), url.Values{"email": {email}, "answer": {answer}})
	if err != nil {
		v.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	to, err := resp.Location()
	if err != nil || resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to.String(), idpResponse+"?") || to.Query().Get("state") != "st" {
		v.Fatalf("%s, leads to %v, %v", resp.Status, to, err)
	}
	return to.Query()
}

func (v visitor) exchange(code, secret, redirect string) (int, map[string]any) {
	return v.read(v.PostForm(v.issuer+"/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"gatehouse"}, "client_secret": {secret}, "code": {code}, "redirect_uri": {redirect},
	}))
}

// claims checks the token with the published key, as the pool does.
func (v visitor) claims(token string) map[string]any {
	v.Helper()
	_, keys := v.read(v.Get(v.issuer + "/keys"))
	jwk := keys["keys"].([]any)[0].(map[string]any)
	number := func(name string) *big.Int {
		raw, err := base64.RawURLEncoding.DecodeString(jwk[name].(string))
		if err != nil {
			v.Fatal(err)
		}
		return new(big.Int).SetBytes(raw)
	}
	parts := strings.Split(token, ".")
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		v.Fatal(err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	key := &rsa.PublicKey{N: number("n"), E: int(number("e").Int64())}
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature); err != nil {
		v.Errorf("the published key did not sign the token: %v", err)
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		v.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(body, &claims); err != nil {
		v.Fatal(err)
	}
	return claims
}

func TestProviderSignsIn(t *testing.T) {
	t.Parallel()
	v := newVisitor(t)
	if _, document := v.read(v.Get(v.issuer + "/.well-known/openid-configuration")); document["issuer"] != v.issuer {
		t.Errorf("the document is %v", document)
	}
	var subs []any
	for _, email := range []string{"erika@example.org", "Erika@example.org", "max@example.org"} {
		code := v.leave(email, "yes").Get("code")
		status, tokens := v.exchange(code, "s3cret", idpResponse)
		if status != http.StatusOK {
			t.Fatalf("the code is refused: %d %v", status, tokens)
		}
		claims := v.claims(tokens["id_token"].(string))
		if claims["iss"] != v.issuer || claims["aud"] != "gatehouse" || claims["email"] != email || claims["nonce"] != "no" {
			t.Errorf("the claims are %v", claims)
		}
		subs = append(subs, claims["sub"])
		if status, failure := v.exchange(code, "s3cret", idpResponse); status != http.StatusBadRequest || failure["error"] != "invalid_grant" {
			t.Errorf("a code is exchanged twice: %d %v", status, failure)
		}
	}
	if subs[0] != subs[1] || subs[0] == subs[2] || strings.Contains(subs[0].(string), "erika") {
		t.Errorf("the people are %v", subs)
	}
}

func TestProviderRefuses(t *testing.T) {
	t.Parallel()
	v := newVisitor(t)
	for _, answer := range []string{"no", ""} {
		if back := v.leave("erika@example.org", answer); back.Get("error") != "access_denied" || back.Has("code") {
			t.Errorf("the answer %q leads back with %v", answer, back)
		}
	}
	for name, tc := range map[string]struct {
		secret, redirect, failure string
		status                    int
	}{
		"other_secret":  {"other", idpResponse, "invalid_client", http.StatusUnauthorized},
		"other_address": {"s3cret", "http://localhost:4566/oauth2/idpresponse", "invalid_grant", http.StatusBadRequest},
	} {
		code := v.leave("erika@example.org", "yes").Get("code")
		if status, failure := v.exchange(code, tc.secret, tc.redirect); status != tc.status || failure["error"] != tc.failure {
			t.Errorf("%s: %d %v", name, status, failure)
		}
	}
	for _, redirect := range []string{"", "http://127.0.0.1:4567/oauth2/idpresponse", "https://example.org/oauth2/idpresponse", idpResponse + "/x"} {
		resp, err := v.Get(v.authorizeURL(redirect))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("a request that leads to %q: %s", redirect, resp.Status)
		}
	}
}

// A browser that prefers HTTP/2 gets HTTP/1.1, which the server speaks.
func TestProviderOffersHTTP1Only(t *testing.T) {
	t.Parallel()
	l := supervisor.Layout{Workspace: stacks.Workspace{Dir: t.TempDir()}}
	p, _, stop, err := serveProvider(t.Context(), l, "Acme")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	trusted := x509.NewCertPool()
	ca, err := os.ReadFile(l.CAFile())
	if err != nil || !trusted.AppendCertsFromPEM(ca) {
		t.Fatalf("%s: %v", l.CAFile(), err)
	}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(p.issuer, "https://"), &tls.Config{RootCAs: trusted, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("the protocol is %q", got)
	}
}
