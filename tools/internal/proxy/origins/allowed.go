package origins

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// pages are what a link or a redirect of an app, or of an identity provider, may open
// (https://docs.aws.amazon.com/cognito/latest/developerguide/managed-login-endpoints.html).
func pages() []string {
	return []string{
		"/oauth2/authorize", "/login", "/signup", "/confirm", "/forgotPassword", "/confirmforgotPassword", "/logout", "/app",
		"/oauth2/idpresponse",
	}
}

// public are the operations that Cognito answers without AWS credentials, and those of an identity pool that apps call before they have credentials. An app in a
// browser calls them on AWS, whatever its origin.
func public() map[string][]string {
	return map[string][]string{
		strings.TrimSuffix(upstream.CognitoTarget, "."): upstream.PublicOperations(),
		"AWSCognitoIdentityService":                     {"GetCredentialsForIdentity", "GetId", "GetOpenIdToken", "UnlinkIdentity"},
	}
}

// allows reports whether pages of other origins may make the request.
func (g *Gate) allows(r *http.Request) bool {
	path, get := r.URL.Path, r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case slices.Contains(pages(), path):
		return get && opens(r)
	case slices.Contains(oauth(path), r.Method):
		return true
	case path == "/" && r.Method == http.MethodPost:
		return g.call(r)
	}
	return false
}

// opens reports whether the browser shows the answer in a window, instead of giving
// it to a page or showing it in a frame.
func opens(r *http.Request) bool {
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	return (mode == "" || mode == "navigate") && (dest == "" || dest == "document")
}

// oauth are the methods with which apps fetch the path, if it is one of OAuth or of
// OpenID Connect's discovery. Nobody gets tokens there without a code or a secret.
func oauth(path string) []string {
	switch path {
	case "/oauth2/token", "/oauth2/revoke":
		return []string{http.MethodPost}
	case "/oauth2/userInfo":
		return []string{http.MethodGet, http.MethodPost}
	}
	pool, document, found := strings.Cut(strings.TrimPrefix(path, "/"), "/.well-known/")
	if found && !strings.Contains(pool, "/") && (document == "jwks.json" || document == "openid-configuration") {
		return []string{http.MethodGet, http.MethodHead}
	}
	return nil
}

// call reports whether the request is a call of an AWS API that apps in a browser make:
// a public one, or one that sends app events with the credentials of an identity pool.
// A form cannot have the header X-Amz-Target, and with it a browser asks before.
func (g *Gate) call(r *http.Request) bool {
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	key := accessKey(r)
	if key == g.RootKey && key != "" {
		return false
	}
	if service == "AmazonSQS" {
		// Temporary keys only; those of a role begin like this
		// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
		return strings.HasPrefix(key, "ASIA") && (operation == "SendMessage" || operation == "SendMessageBatch")
	}
	return (key == "" || strings.HasPrefix(key, "ASIA")) && slices.Contains(public()[service], operation)
}

// accessKey is the id of the key that signed the request, if one did.
func accessKey(r *http.Request) string {
	_, scope, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !found {
		return ""
	}
	key, _, _ := strings.Cut(strings.TrimSpace(scope), "/")
	return key
}

// marked reports whether the emulator might read the request as a call of an AWS API
// that its path does not show: by the query, or by a signature or a target away from
// the root.
func marked(r *http.Request, query url.Values) bool {
	for name := range query {
		if name == "Action" || name == "AWSAccessKeyId" || strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			return true
		}
	}
	signed := strings.HasPrefix(strings.TrimSpace(r.Header.Get("Authorization")), "AWS")
	return r.URL.Path != "/" && (signed || len(r.Header.Values("X-Amz-Target")) > 0)
}
