package hostedpages

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

const formType = "application/x-www-form-urlencoded"

// app posts as an app does, with headers given as names and values in turn.
func app(t *testing.T, method, target, body string, headers ...string) (int, http.Header, string) {
	t.Helper()
	req := upstreamtest.Request(t, method, target, body)
	req.Header.Set("Content-Type", formType)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return upstreamtest.Do(t, req)
}

func basic(pair string) string {
	req := http.Request{Header: http.Header{}}
	id, secret, _ := strings.Cut(pair, ":")
	req.SetBasicAuth(id, secret)
	return req.Header.Get("Authorization")
}

// errorOf is the error of an OAuth endpoint's answer, if it is one.
func errorOf(body string) string {
	var failure struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal([]byte(body), &failure) // anything else is not an error
	return failure.Error
}

func TestTokenEndpointChecksItsForm(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, body string
		headers      []string
		status       int
		err          string
	}{
		"code":              {"POST", "grant_type=authorization_code&client_id=c1&code=x&redirect_uri=u&code_verifier=v", nil, 200, ""},
		"code_basic":        {"POST", "grant_type=authorization_code&code=x&redirect_uri=u", []string{"Authorization", basic("c1:s")}, 200, ""},
		"basic_and_id":      {"POST", "grant_type=refresh_token&client_id=c1&refresh_token=r", []string{"Authorization", basic("c1:s")}, 200, ""},
		"charset":           {"POST", "grant_type=refresh_token&client_id=c1&refresh_token=r", []string{"Content-Type", formType + ";charset=UTF-8"}, 200, ""},
		"machine":           {"POST", "grant_type=client_credentials", []string{"Authorization", basic("c1:s")}, 200, ""},
		"no_grant":          {"POST", "client_id=c1", nil, 400, "invalid_request"},
		"other_grant":       {"POST", "grant_type=password&client_id=c1", nil, 400, "unsupported_grant_type"},
		"no_code":           {"POST", "grant_type=authorization_code&client_id=c1&redirect_uri=u", nil, 400, "invalid_request"},
		"no_address":        {"POST", "grant_type=authorization_code&client_id=c1&code=x", nil, 400, "invalid_request"},
		"no_refresh_token":  {"POST", "grant_type=refresh_token&client_id=c1", nil, 400, "invalid_request"},
		"no_client":         {"POST", "grant_type=refresh_token&refresh_token=r", nil, 400, "invalid_request"},
		"two_codes":         {"POST", "grant_type=authorization_code&client_id=c1&code=x&code=y&redirect_uri=u", nil, 400, "invalid_request"},
		"two_proofs":        {"POST", "grant_type=client_credentials&client_secret=s", []string{"Authorization", basic("c1:s")}, 400, "invalid_request"},
		"two_clients":       {"POST", "grant_type=client_credentials&client_id=c2", []string{"Authorization", basic("c1:s")}, 400, "invalid_request"},
		"bad_encoding":      {"POST", "grant_type=refresh_token&refresh_token=%zz", nil, 400, "invalid_request"},
		"json":              {"POST", `{"grant_type":"client_credentials"}`, []string{"Content-Type", "application/json"}, 400, "invalid_request"},
		"multipart":         {"POST", "grant_type=client_credentials", []string{"Content-Type", "multipart/form-data"}, 400, "invalid_request"},
		"read":              {"GET", "", nil, 405, "invalid_request"},
		"options_same_page": {"OPTIONS", "", nil, 405, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Replies["/oauth2/token"] = upstreamtest.Reply{Status: 200, Body: `{"access_token":"a"}`}
			_, origin := start(t, f)
			status, header, body := app(t, tc.method, origin+"/oauth2/token", tc.body, tc.headers...)
			if status != tc.status || errorOf(body) != tc.err {
				t.Errorf("%d %s, want %d %q", status, body, tc.status, tc.err)
			}
			if header.Get("Cache-Control") != "no-store" || header.Get("Pragma") != "no-cache" {
				t.Errorf("may be stored: %v", header)
			}
			if reached := len(f.Calls()) > 0; reached != (tc.err == "") {
				t.Errorf("reached the emulator: %v", f.Calls())
			}
		})
	}
}

// The emulator's errors keep their status and code: they are Cognito's.
func TestTokenEndpointPassesErrors(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Replies["/oauth2/token"] = upstreamtest.Reply{Status: 400, Body: `{"error":"invalid_grant"}`}
	_, origin := start(t, f)
	status, header, body := app(t, "POST", origin+"/oauth2/token", "grant_type=refresh_token&client_id=c1&refresh_token=r%2B")
	if status != 400 || errorOf(body) != "invalid_grant" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s %v", status, body, header)
	}
	if diff := cmp.Diff([]string{"client_id=c1&grant_type=refresh_token&refresh_token=r%2B"}, f.Bodies()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	done := upstreamtest.Reply{Status: 200, Body: "{}"}
	for name, tc := range map[string]struct {
		body, authorization string
		reply               upstreamtest.Reply
		status              int
		err                 string
	}{
		"done":          {"client_id=c1&token=r", "", done, 200, ""},
		"with_hint":     {"client_id=c1&token=r&token_type_hint=refresh_token", "", done, 200, ""},
		"basic":         {"token=r", basic("c1:a%2Fb"), done, 200, ""},
		"no_token":      {"client_id=c1", "", done, 400, "invalid_request"},
		"no_client":     {"token=r", "", done, 400, "invalid_request"},
		"two_tokens":    {"client_id=c1&token=r&token=q", "", done, 400, "invalid_request"},
		"access":        {"client_id=c1&token=a", "", failing("UnsupportedTokenTypeException", "x"), 400, "unsupported_token_type"},
		"wrong_secret":  {"client_id=c1&client_secret=s&token=r", "", failing("UnauthorizedException", "x"), 401, "invalid_client"},
		"wrong_basic":   {"token=r", basic("c1:s"), failing("UnauthorizedException", "x"), 401, "invalid_client"},
		"other_client":  {"client_id=c1&token=r", "", failing("InvalidParameterException", "x"), 400, "invalid_request"},
		"switched_off":  {"client_id=c1&token=r", "", failing("UnsupportedOperationException", "x"), 400, "invalid_request"},
		"out_of_order":  {"client_id=c1&token=r", "", failing("InternalErrorException", "x"), 503, "server_error"},
		"not_reachable": {"client_id=c1&token=r", "", upstreamtest.Reply{Status: 500, Body: "{}"}, 503, "server_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Replies["RevokeToken"] = tc.reply
			_, origin := start(t, f)
			var headers []string
			if tc.authorization != "" {
				headers = []string{"Authorization", tc.authorization}
			}
			status, header, body := app(t, "POST", origin+"/oauth2/revoke", tc.body, headers...)
			if status != tc.status || errorOf(body) != tc.err || header.Get("Cache-Control") != "no-store" {
				t.Errorf("%d %s %v, want %d %q", status, body, header, tc.status, tc.err)
			}
			if asks := header.Get("WWW-Authenticate") != ""; asks != (name == "wrong_basic") {
				t.Errorf("WWW-Authenticate %q", header.Get("WWW-Authenticate"))
			}
			if name == "basic" && !strings.Contains(strings.Join(f.Bodies(), ""), `"ClientSecret":"a/b"`) {
				t.Errorf("sent %v", f.Bodies())
			}
		})
	}
}

func TestDiscoveryNamesTheRevocationEndpoint(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	const path = "/us-east-1_Test/.well-known/openid-configuration"
	f.Replies[path] = upstreamtest.Reply{Status: 200, Body: `{"issuer":"https://i.example/p","token_endpoint":"https://127.0.0.1:4566/oauth2/token"}`}
	_, origin := start(t, f)
	_, _, body := app(t, "GET", origin+path, "")
	got := map[string]string{}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"issuer": "https://i.example/p", "token_endpoint": "https://127.0.0.1:4566/oauth2/token",
		"revocation_endpoint": "https://127.0.0.1:4566/oauth2/revoke",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	f.Replies[path] = upstreamtest.Reply{Status: 404, Body: "none"}
	if status, _, body := app(t, "GET", origin+path, ""); status != 404 || body != "none" {
		t.Errorf("no such pool: %d %q", status, body)
	}
}

// What cannot be read in one way only reaches nobody.
func FuzzOAuthForm(f *testing.F) {
	for _, seed := range []string{"grant_type=refresh_token&refresh_token=r", "a=1&a=2", "%", "a=%zz", "a;b", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth2/token", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", formType)
		form, ok := oauthForm(httptest.NewRecorder(), req)
		if !ok {
			return
		}
		again, err := url.ParseQuery(form.Encode())
		if err != nil || !cmp.Equal(form, again) {
			t.Errorf("%q was read as %v, and is sent as %v: %v", body, form, again, err)
		}
		for name, values := range form {
			if len(values) != 1 {
				t.Errorf("%q came %d times", name, len(values))
			}
		}
	})
}
