package origins

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	evil    = "http://evil.example"
	rootKey = "AWS4-HMAC-SHA256 Credential=test/20261129/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0"
	guest   = "AWS4-HMAC-SHA256 Credential=ASIAABCDEFGHIJKLMNOP/20261129/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"
	idp     = "AWSCognitoIdentityProviderService."
)

// serve starts a gate in front of what puts wildcards on every answer, as the emulator
// does.
func serve(t *testing.T) *httptest.Server {
	t.Helper()
	gate := Gate{
		RootKey: "test",
		API:     func(path string) bool { return strings.HasPrefix(path, "/api/") },
		Domain: func(_ context.Context, name string) (bool, error) {
			if name == "broken.example.net" {
				return true, errors.New("broken")
			}
			return name == "api.example.net", nil
		},
	}
	server := httptest.NewServer(gate.Before(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Headers", "*")
		w.WriteHeader(http.StatusTeapot)
	})))
	t.Cleanup(server.Close)
	return server
}

// ask sends one request, given as headers and values in turn. Host is one of them, and
// in it PORT is the server's.
func ask(t *testing.T, server *httptest.Server, method, path string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader("Action=CreateRole&RoleName=evil"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		value := strings.ReplaceAll(headers[i+1], "PORT", req.URL.Port())
		if headers[i] == "Host" {
			req.Host = value
		} else {
			req.Header.Add(headers[i], value)
		}
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res
}

// Each row is one request, and which origins may read its answer.
func TestBefore(t *testing.T) {
	t.Parallel()
	server := serve(t)
	const pass, refused = http.StatusTeapot, http.StatusForbidden
	for name, tc := range map[string]struct {
		method, path string
		headers      []string
		status       int
		readers      string
	}{
		// Programs, and the proxy's own pages.
		"program":              {"POST", "/", []string{"Authorization", rootKey}, pass, ""},
		"program_query":        {"POST", "/?Action=ListRoles&X-Amz-Credential=test", nil, pass, ""},
		"program_by_name":      {"GET", "/x", []string{"Host", "localhost:PORT"}, pass, ""},
		"program_by_ipv6":      {"GET", "/x", []string{"Host", "[::1]:PORT"}, pass, ""},
		"own_page":             {"POST", "/login", []string{"Origin", "http://127.0.0.1:PORT", "Sec-Fetch-Site", "same-origin"}, pass, ""},
		"own_page_no_referrer": {"POST", "/login", []string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}, pass, ""},
		"own_page_by_name":     {"POST", "/login", []string{"Host", "LOCALHOST:PORT", "Origin", "http://localhost:PORT"}, pass, ""},
		"typed":                {"GET", "/app", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, pass, ""},

		// Hosts.
		"rebinding":             {"GET", "/app", []string{"Host", "evil.example:PORT"}, refused, ""},
		"rebinding_same_origin": {"POST", "/", []string{"Host", "evil.example:PORT", "Origin", "http://evil.example:PORT", "Sec-Fetch-Site", "same-origin"}, refused, ""},
		"rebinding_faults":      {"POST", "/_gatehouse/faults", []string{"Host", "evil.example:PORT"}, refused, ""},
		"suffix_of_a_host":      {"GET", "/app", []string{"Host", "127.0.0.1.evil.example:PORT"}, refused, ""},
		"another_port":          {"GET", "/app", []string{"Host", "127.0.0.1:1"}, refused, ""},
		"another_address":       {"GET", "/app", []string{"Host", "0.0.0.0:PORT"}, refused, ""},
		"userinfo":              {"GET", "/app", []string{"Host", "127.0.0.1:PORT@evil.example"}, refused, ""},
		"api_domain":            {"GET", "/guest", []string{"Host", "api.example.net"}, pass, "*"},
		"api_domain_dot":        {"GET", "/guest", []string{"Host", "API.example.net.:PORT"}, pass, "*"},
		"api_domain_page":       {"GET", "/guest", []string{"Host", "api.example.net", "Origin", evil}, pass, "*"},
		"api_domain_action":     {"GET", "/?Action=CreateRole", []string{"Host", "api.example.net", "Origin", evil}, refused, ""},
		"api_domain_unknown":    {"GET", "/guest", []string{"Host", "broken.example.net"}, refused, ""},

		// Pages of other origins: what they may not do.
		"form":                 {"POST", "/", []string{"Origin", evil, "Content-Type", "application/x-www-form-urlencoded"}, refused, ""},
		"form_text":            {"POST", "/", []string{"Origin", evil, "Content-Type", "text/plain"}, refused, ""},
		"form_no_origin":       {"POST", "/", []string{"Sec-Fetch-Site", "cross-site"}, refused, ""},
		"form_of_another_port": {"POST", "/", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:8400"}, refused, ""},
		"form_opaque":          {"POST", "/", []string{"Origin", "null"}, refused, ""},
		"form_opaque_cross":    {"POST", "/", []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, refused, ""},
		"form_of_https":        {"POST", "/", []string{"Origin", "https://127.0.0.1:PORT"}, refused, ""},
		"liar":                 {"POST", "/", []string{"Origin", evil, "Sec-Fetch-Site", "same-origin"}, refused, ""},
		"image":                {"GET", "/?Action=CreateRole&RoleName=evil", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, refused, ""},
		"link_to_an_action":    {"GET", "/?Action=CreateRole&X-Amz-Credential=test", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, refused, ""},
		"faults":               {"POST", "/_gatehouse/faults", []string{"Origin", evil}, refused, ""},
		"faults_delete":        {"OPTIONS", "/_gatehouse/faults", []string{"Origin", evil, "Access-Control-Request-Method", "DELETE"}, refused, ""},
		"mailbox":              {"GET", "/_gatehouse/mail", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, refused, ""},
		"mailbox_port":         {"GET", "/_gatehouse/mail", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:8400"}, refused, ""},
		"health":               {"GET", "/_gatehouse/health", []string{"Sec-Fetch-Site", "cross-site"}, refused, ""},
		"reset":                {"POST", "/_ministack/reset", []string{"Origin", evil}, refused, ""},
		"function":             {"POST", "/2015-03-31/functions", []string{"Origin", evil}, refused, ""},
		"invoke":               {"POST", "/2015-03-31/functions/f/invocations", []string{"Origin", evil}, refused, ""},
		"object":               {"PUT", "/bucket/key", []string{"Origin", evil}, refused, ""},
		"posted_to_a_page":     {"POST", "/login", []string{"Origin", evil}, refused, ""},
		"framed":               {"GET", "/login", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, refused, ""},
		"fetched_page":         {"GET", "/login", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, refused, ""},
		"app_config":           {"GET", "/app/config.json", []string{"Origin", evil}, refused, ""},
		"administrator":        {"POST", "/", []string{"Origin", evil, "X-Amz-Target", idp + "AdminDeleteUser"}, refused, ""},
		"another_service":      {"POST", "/", []string{"Origin", evil, "X-Amz-Target", "AmazonSSM.PutParameter"}, refused, ""},
		"two_targets":          {"POST", "/", []string{"Origin", evil, "X-Amz-Target", idp + "SignUp, " + idp + "AdminDeleteUser"}, refused, ""},
		"with_the_root_key":    {"POST", "/", []string{"Origin", evil, "X-Amz-Target", idp + "SignUp", "Authorization", rootKey}, refused, ""},
		"queue_root_key":       {"POST", "/", []string{"Origin", evil, "X-Amz-Target", "AmazonSQS.SendMessage", "Authorization", rootKey}, refused, ""},
		"queue_unsigned":       {"POST", "/", []string{"Origin", evil, "X-Amz-Target", "AmazonSQS.SendMessage"}, refused, ""},
		"queue_receive":        {"POST", "/", []string{"Origin", evil, "X-Amz-Target", "AmazonSQS.ReceiveMessage", "Authorization", guest}, refused, ""},
		"queue_account_key":    {"POST", "/", []string{"Origin", evil, "X-Amz-Target", "AmazonSQS.SendMessage", "Authorization", strings.Replace(guest, "ASIAABCDEFGHIJKLMNOP", "123456789012", 1)}, refused, ""},
		"target_elsewhere":     {"POST", "/oauth2/token", []string{"Origin", evil, "X-Amz-Target", "AmazonSSM.PutParameter"}, refused, ""},
		"signed_elsewhere":     {"POST", "/oauth2/token", []string{"Origin", evil, "Authorization", rootKey}, refused, ""},
		"action_elsewhere":     {"POST", "/oauth2/token?Action=CreateRole", []string{"Origin", evil}, refused, ""},
		"action_in_the_api":    {"POST", "/api/guest?Action=CreateRole", []string{"Origin", evil}, refused, ""},
		"unreadable_action":    {"POST", "/api/guest?Action=CreateRole%zz", []string{"Origin", evil}, http.StatusBadRequest, ""},
		"unreadable_link":      {"GET", "/login?state=%zz", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, http.StatusBadRequest, ""},
		"signed_in_the_api":    {"POST", "/api/guest", []string{"Origin", evil, "Authorization", rootKey}, refused, ""},
		"put_to_token":         {"PUT", "/oauth2/token", []string{"Origin", evil}, refused, ""},
		"posted_keys":          {"POST", "/pool/.well-known/jwks.json", []string{"Origin", evil}, refused, ""},
		"deep_keys":            {"GET", "/bucket/key/.well-known/jwks.json", []string{"Origin", evil}, refused, ""},
		"preflight_of_put":     {"OPTIONS", "/", []string{"Origin", evil, "Access-Control-Request-Method", "PUT"}, refused, ""},
		"preflight_elsewhere":  {"OPTIONS", "/bucket/key", []string{"Origin", evil, "Access-Control-Request-Method", "POST"}, refused, ""},
		"socket":               {"GET", "/", []string{"Origin", evil, "Upgrade", "websocket", "Connection", "Upgrade"}, refused, ""},

		// What they do on AWS.
		"link":            {"GET", "/login?client_id=c", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, pass, ""},
		"link_older":      {"GET", "/oauth2/authorize", []string{"Origin", evil}, pass, evil},
		"provider":        {"GET", "/oauth2/idpresponse?state=s", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, pass, ""},
		"link_same_site":  {"GET", "/logout", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, pass, ""},
		"token":           {"POST", "/oauth2/token", []string{"Origin", evil, "Sec-Fetch-Site", "cross-site"}, pass, evil},
		"token_basic":     {"POST", "/oauth2/token", []string{"Origin", evil, "Authorization", "Basic eDp5"}, pass, evil},
		"user_info":       {"GET", "/oauth2/userInfo", []string{"Origin", evil, "Authorization", "Bearer t"}, pass, evil},
		"revoke":          {"POST", "/oauth2/revoke", []string{"Origin", evil}, pass, evil},
		"keys":            {"GET", "/pool_1/.well-known/jwks.json", []string{"Origin", evil}, pass, evil},
		"api":             {"GET", "/api/user?a=b", []string{"Origin", evil, "Authorization", "Bearer t"}, pass, "*"},
		"api_preflight":   {"OPTIONS", "/api/user", []string{"Origin", evil, "Access-Control-Request-Method", "GET"}, pass, "*"},
		"sign_up":         {"POST", "/", []string{"Origin", evil, "X-Amz-Target", idp + "SignUp"}, pass, evil},
		"identity":        {"POST", "/", []string{"Origin", evil, "X-Amz-Target", "AWSCognitoIdentityService.GetId"}, pass, evil},
		"queue":           {"POST", "/", []string{"Origin", evil, "X-Amz-Target", "AmazonSQS.SendMessage", "Authorization", guest}, pass, evil},
		"call_preflight":  {"OPTIONS", "/", []string{"Origin", evil, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-amz-target"}, http.StatusNoContent, evil},
		"token_preflight": {"OPTIONS", "/oauth2/token", []string{"Origin", evil, "Access-Control-Request-Method", "POST"}, http.StatusNoContent, evil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := ask(t, server, tc.method, tc.path, tc.headers...)
			if got := res.Header.Get("Access-Control-Allow-Origin"); res.StatusCode != tc.status || got != tc.readers {
				t.Errorf("status %d, readers %q; want %d, %q", res.StatusCode, got, tc.status, tc.readers)
			}
		})
	}
}

// A preflight allows the headers that are asked for, and nothing more.
func TestPreflight(t *testing.T) {
	t.Parallel()
	res := ask(t, serve(t), http.MethodOptions, "/", "Origin", evil, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-amz-target")
	if h := res.Header; h.Get("Access-Control-Allow-Headers") != "x-amz-target" || h.Get("Access-Control-Allow-Methods") != "POST" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%v", h)
	}
}

// A custom domain that the stack deleted is asked for again.
func TestDomainsAreForgotten(t *testing.T) {
	t.Parallel()
	is := true
	gate := Gate{Domain: func(context.Context, string) (bool, error) { return is, nil }}
	if !gate.knows(t.Context(), "api.example.net") {
		t.Error("unknown")
	}
	is = false
	gate.domains["api.example.net"] = gate.domains["api.example.net"].Add(-domainTTL)
	if gate.knows(t.Context(), "api.example.net") {
		t.Error("known after it was deleted")
	}
}
