// Package upstreamtest stands for the emulator, and for browsers and SDKs, in the tests of
// the proxy's packages.
package upstreamtest

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// What the fake has.
const (
	Pool     = "us-east-1_Test"
	PoolARN  = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_Test"
	Function = "arn:aws:lambda:us-east-1:000000000000:function:probe:live"
	Policy   = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"cognito-idp.amazonaws.com"},
		"Action":"lambda:InvokeFunction","Resource":"` + Function + `","Condition":{
		"StringEquals":{"AWS:SourceAccount":"000000000000"},
		"ArnLike":{"AWS:SourceArn":"arn:aws:cognito-idp:us-east-1:000000000000:userpool/*"}}}]}`
	Callback = "https://app.example/cb"
)

// Fake stands for the emulator: it answers the facts that the proxy asks for, and
// records the calls of people and the invocations of triggers in their order.
type Fake struct {
	Server    *httptest.Server
	Client    map[string]any
	User      map[string]any
	Policy    string
	Replies   map[string]Reply // by Cognito action or path
	Invoke    func(w http.ResponseWriter, r *http.Request, payload []byte)
	Functions map[string]any
	Invited   bool     // only administrators create users
	Verify    []string // attributes that have to be proved before they change
	Unknown   string   // a name that no user has
	MFA       string   // the pool's configuration of second factors

	mu       sync.Mutex
	payloads []json.RawMessage
	bodies   []string
	order    []string
}

// Reply is what the fake answers.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// New starts a fake with one pool, client and user, whose triggers all succeed.
func New(t *testing.T) *Fake {
	t.Helper()
	f := &Fake{
		Policy: Policy,
		Client: map[string]any{
			"ClientId": "c1", "UserPoolId": Pool, "PreventUserExistenceErrors": "ENABLED",
			"CallbackURLs": []string{Callback}, "AllowedOAuthFlows": []string{"code"},
		},
		User: map[string]any{
			"Username": "u-1", "UserStatus": "CONFIRMED",
			"UserAttributes": Attributes("sub", "u-1", "email", "a@x.example", "email_verified", "true"),
		},
		Replies: map[string]Reply{},
		Functions: map[string]any{
			"PreSignUp": Function, "PreAuthentication": Function,
			"PostAuthentication": Function, "PostConfirmation": Function,
		},
		Invoke: func(w http.ResponseWriter, _ *http.Request, payload []byte) { _, _ = w.Write(payload) },
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Server.Close)
	return f
}

// ServeHTTP answers as the emulator does.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	action, isCognito := strings.CutPrefix(r.Header.Get("X-Amz-Target"), upstream.CognitoTarget)
	switch {
	case strings.HasSuffix(r.URL.Path, "/invocations"):
		var ev struct{ TriggerSource string }
		_ = json.Unmarshal(body, &ev)
		f.Note(ev.TriggerSource)
		f.mu.Lock()
		f.payloads = append(f.payloads, body)
		f.mu.Unlock()
		f.Invoke(w, r, body)
	case strings.HasSuffix(r.URL.Path, "/policy") && f.Policy == "":
		refuse(w, "ResourceNotFoundException", "No policy is associated with the given resource.")
	case strings.HasSuffix(r.URL.Path, "/policy"):
		WriteJSON(w, 200, map[string]string{"Policy": f.Policy})
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AWSEvents."):
		WriteJSON(w, 200, map[string]any{}) // a bus without rules
	case isCognito:
		f.serveCognito(w, action, string(body))
	case r.URL.Path == "/oauth2/authorize":
		serveAuthorize(w, r.URL.Query())
	default:
		f.serve(w, r.URL.Path, string(body))
	}
}

func refuse(w http.ResponseWriter, code, message string) {
	WriteJSON(w, 400, map[string]string{"__type": code, "message": message})
}

func (f *Fake) serveCognito(w http.ResponseWriter, action, body string) {
	type object = map[string]any
	switch action {
	case "ListUserPools":
		WriteJSON(w, 200, object{"UserPools": []object{{"Id": Pool}}})
	case "ListUserPoolClients":
		WriteJSON(w, 200, object{"UserPoolClients": []object{f.Client}})
	case "DescribeUserPoolClient":
		if !strings.Contains(body, Pool) {
			refuse(w, "ResourceNotFoundException", "no such pool")
			return
		}
		WriteJSON(w, 200, object{"UserPoolClient": f.Client})
	case "DescribeUserPool":
		WriteJSON(w, 200, object{"UserPool": object{
			"Id": Pool, "Arn": PoolARN, "Domain": "gatehouse", "LambdaConfig": f.Functions, "UsernameAttributes": []string{"email"},
			"AdminCreateUserConfig":       object{"AllowAdminCreateUserOnly": f.Invited},
			"AutoVerifiedAttributes":      []string{"email"},
			"MfaConfiguration":            f.MFA,
			"Policies":                    object{"PasswordPolicy": object{"MinimumLength": 12, "RequireNumbers": true}},
			"UserAttributeUpdateSettings": object{"AttributesRequireVerificationBeforeUpdate": f.Verify},
		}})
	case "AdminGetUser":
		if f.User == nil || f.Unknown != "" && strings.Contains(body, f.Unknown) {
			refuse(w, "UserNotFoundException", "User does not exist.")
			return
		}
		WriteJSON(w, 200, f.User)
	default:
		f.serve(w, action, body)
	}
}

// serveAuthorize checks the client's redirect address and shows a sign-in form, in
// the emulator's words.
func serveAuthorize(w http.ResponseWriter, given url.Values) {
	switch {
	case given.Get("client_id") != "c1":
		WriteJSON(w, 400, map[string]string{"error": "invalid_client", "error_description": "Client not found."})
	case given.Get("redirect_uri") != Callback:
		WriteJSON(w, 400, map[string]string{"error": "invalid_request", "error_description": "redirect_uri is not allowed: x"})
	case given.Get("scope") == "wrong":
		w.Header().Set("Location", Callback+"?error=invalid_request&error_description=invalid_scope")
		w.WriteHeader(http.StatusFound)
	case given.Get("identity_provider") != "":
		w.Header().Set("Location", "https://idp.example/authorize?"+url.Values{"state": {"flow-1"}, "challenge": given["code_challenge"]}.Encode())
		w.WriteHeader(http.StatusFound)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, Form(""))
	}
}

// Form is the emulator's sign-in page.
func Form(problem string) string {
	return `<h1>Sign in</h1><div class="error">` + problem + `</div><form method="POST" action="/login">
<input type="hidden" name="client_id" value="c1"><label for="username">Username</label>
<input type="text" id="username" name="username"><label for="password">Password</label>
<input type="password" id="password" name="password"><button type="submit">Sign in</button></form>`
}

func (f *Fake) serve(w http.ResponseWriter, name, body string) {
	f.Note(name)
	f.mu.Lock()
	f.bodies = append(f.bodies, body)
	f.mu.Unlock()
	one, ok := f.Replies[name]
	if !ok {
		one = Reply{Status: 200, Body: "{}"}
	}
	maps.Copy(w.Header(), one.Header)
	w.WriteHeader(one.Status)
	_, _ = io.WriteString(w, one.Body)
}

// WriteJSON answers in JSON.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// Calls is what reached the emulator so far, in order.
func (f *Fake) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order)
}

// Payloads are those of the runs of functions so far.
func (f *Fake) Payloads() []json.RawMessage {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.payloads)
}

// Bodies are those of the other calls so far.
func (f *Fake) Bodies() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.bodies)
}

// Note adds a call to those that reached the emulator.
func (f *Fake) Note(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.order = append(f.order, call)
}

// Attributes makes attributes of names and values.
func Attributes(pairs ...string) []upstream.Attribute {
	var out []upstream.Attribute
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, upstream.Attribute{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// Upstream is a client of the emulator at origin.
func Upstream(t *testing.T, origin string) *upstream.Client {
	t.Helper()
	key := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	up, err := upstream.New(origin, "us-east-1", key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return up
}

// Serve starts a server in front of up, as the proxy is with this one gap.
func Serve(t *testing.T, up *upstream.Client, gap func(*http.Request) http.HandlerFunc) (origin string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if serve := gap(r); serve != nil {
			serve(w, r)
			return
		}
		up.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// CallCognito makes one call and returns status, headers and body.
func CallCognito(t *testing.T, origin, action string, in any) (int, http.Header, string) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req := Request(t, http.MethodPost, origin+"/", string(body))
	req.Header.Set("X-Amz-Target", upstream.CognitoTarget+action)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	return Do(t, req)
}

// Request makes a request.
func Request(t *testing.T, method, target, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// Do sends a request and returns status, headers and body. It follows no redirect.
func Do(t *testing.T, req *http.Request) (int, http.Header, string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}
