package e2e

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"testing"
)

// Tokens are forged by hand, because libraries prevent it.

// jwt is a token taken apart.
type jwt struct{ head, claims map[string]any }

func parseToken(t *testing.T, token string) jwt {
	t.Helper()
	parts := strings.Split(token, ".")
	var j jwt
	for i, into := range []*map[string]any{&j.head, &j.claims} {
		raw := must(base64.RawURLEncoding.DecodeString(parts[i]))(t)
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

// header is the token with another header; nil takes it away.
func (j jwt) header(name string, value any) jwt {
	j.head = maps.Clone(j.head)
	j.head[name] = value
	if value == nil {
		delete(j.head, name)
	}
	return j
}

// claim is the token with another claim.
func (j jwt) claim(name string, value any) jwt {
	j.claims = maps.Clone(j.claims)
	j.claims[name] = value
	return j
}

func (j jwt) text() string {
	part := func(v map[string]any) string {
		raw, _ := json.Marshal(v) // of what was JSON before
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	return part(j.head) + "." + part(j.claims)
}

func (j jwt) unsigned() string { return j.text() + "." }

func (j jwt) withSignatureOf(token string) string {
	return j.text() + token[strings.LastIndex(token, "."):]
}

func (j jwt) hmac(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(j.text()))
	return j.text() + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// key is somebody's own.
type key struct{ *rsa.PrivateKey }

func newKey(t *testing.T) key {
	t.Helper()
	return key{must(rsa.GenerateKey(rand.Reader, 2048))(t)}
}

func (k key) jwk() map[string]any {
	return map[string]any{
		"kty": "RSA", "alg": "RS256", "use": "sig",
		"n": base64.RawURLEncoding.EncodeToString(k.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.E)).Bytes()),
	}
}

func (j jwt) signed(t *testing.T, k key) string {
	t.Helper()
	sum := sha256.Sum256([]byte(j.text()))
	signature := must(rsa.SignPKCS1v15(rand.Reader, k.PrivateKey, crypto.SHA256, sum[:]))(t)
	return j.text() + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// public is the pool's public key in the shapes that are taken for a secret.
type public struct{ pem, modulus []byte }

func (s *system) publicKey(t *testing.T) public {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.env["AWS_ENDPOINT_URL"]+"/"+s.env["USER_POOL_ID"]+"/.well-known/jwks.json", http.NoBody))(t)
	resp := must(http.DefaultClient.Do(req))(t)
	defer resp.Body.Close()
	var set struct{ Keys []struct{ N, E string } }
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil || len(set.Keys) == 0 {
		t.Fatalf("%d keys, %v", len(set.Keys), err)
	}
	n, e := must(base64.RawURLEncoding.DecodeString(set.Keys[0].N))(t), must(base64.RawURLEncoding.DecodeString(set.Keys[0].E))(t)
	der := must(x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}))(t)
	return public{pem: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), modulus: n}
}
