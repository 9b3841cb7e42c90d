package local

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gatehouse.example/tools/internal/supervisor"
)

// clientOfProvider is the id that the provider has for the user pool.
const clientOfProvider = "gatehouse"

// provider is an OpenID Connect provider for trying federation. It asks people for an
// address and believes them.
type provider struct {
	name, issuer string
	secret       string // of its only client, the user pool
	key          *rsa.PrivateKey
	pool         []string // where the pool receives people from it

	mu      sync.Mutex
	granted map[string]grant // by code
}

// grant is what a code stands for.
type grant struct {
	email, nonce, redirect string
	until                  time.Time
}

// codeLife is for a program, which exchanges a code at once.
const codeLife = time.Minute

func newProvider(name, issuer, secret string, port int) (*provider, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("rsa.GenerateKey: %w", err)
	}
	p := &provider{name: name, issuer: issuer, secret: secret, key: key, granted: map[string]grant{}}
	for _, scheme := range []string{"http", "https"} {
		for _, host := range []string{supervisor.Host, "localhost"} {
			p.pool = append(p.pool, scheme+"://"+net.JoinHostPort(host, strconv.Itoa(port))+"/oauth2/idpresponse")
		}
	}
	return p, nil
}

func (p *provider) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{
			"issuer": p.issuer, "authorization_endpoint": p.issuer + "/authorize", "token_endpoint": p.issuer + "/token", "jwks_uri": p.issuer + "/keys",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
			"id_token_signing_alg_values_supported": []string{"RS256"}, "token_endpoint_auth_methods_supported": []string{"client_secret_post"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]string{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
			"n": base64.RawURLEncoding.EncodeToString(p.key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(p.key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	return http.NewCrossOriginProtection().Handler(mux)
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "server_error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

var signInPage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.}}</title></head>
<body><main><h1>{{.}}</h1>
<p>This identity provider is a test. It knows nobody, and signs you in with any address.</p>
<form method="post">
<p><label for="email">Email address</label> <input id="email" name="email" type="email" value="erika@example.org" required autofocus></p>
<p><button name="answer" value="yes">Sign in</button> <button name="answer" value="no" formnovalidate>Refuse</button></p>
</form></main></body></html>
`))

// authorize shows the page, or sends the person back to the pool with a code or an error.
func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	if asked.Get("client_id") != clientOfProvider || asked.Get("response_type") != "code" || !slices.Contains(p.pool, asked.Get("redirect_uri")) {
		http.Error(w, "Not a request of the user pool.", http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		_ = signInPage.Execute(w, p.name)
		return
	}
	back := url.Values{"state": {asked.Get("state")}}
	if email := strings.TrimSpace(r.PostFormValue("email")); r.PostFormValue("answer") == "yes" && email != "" {
		back.Set("code", p.grant(grant{email: email, nonce: asked.Get("nonce"), redirect: asked.Get("redirect_uri"), until: time.Now().Add(codeLife)}))
	} else {
		back.Set("error", "access_denied")
	}
	http.Redirect(w, r, asked.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther) //nolint:gosec // G710: one of the pool's own addresses
}

func (p *provider) grant(g grant) (code string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.granted, func(_ string, old grant) bool { return time.Now().After(old.until) })
	code = rand.Text()
	p.granted[code] = g
	return code
}

// token exchanges a code once, for the pool only.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("client_id") != clientOfProvider || r.PostFormValue("client_secret") != p.secret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	p.mu.Lock()
	g, ok := p.granted[r.PostFormValue("code")]
	delete(p.granted, r.PostFormValue("code"))
	p.mu.Unlock()
	if !ok || time.Now().After(g.until) || g.redirect != r.PostFormValue("redirect_uri") {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	id, err := p.idToken(g)
	if err != nil {
		answer(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"id_token": id, "access_token": rand.Text(), "token_type": "Bearer", "expires_in": int(codeLife.Seconds())})
}

// idToken names the person by a hash of the address: the pool makes a user name of it.
func (p *provider) idToken(g grant) (string, error) {
	sum := sha256.Sum256([]byte(strings.ToLower(g.email)))
	now := time.Now()
	claims := map[string]any{
		"iss": p.issuer, "aud": clientOfProvider, "sub": hex.EncodeToString(sum[:8]), "email": g.email, "email_verified": true,
		"iat": now.Unix(), "exp": now.Add(codeLife).Unix(),
	}
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("json.Marshal: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"1","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, p.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("rsa.SignPKCS1v15: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
