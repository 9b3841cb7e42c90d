package proxy

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testPool     = "us-east-1_Test"
	testPoolARN  = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_Test"
	testFunction = "arn:aws:lambda:us-east-1:000000000000:function:probe:live"
	testPolicy   = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"cognito-idp.amazonaws.com"},
		"Action":"lambda:InvokeFunction","Resource":"` + testFunction + `","Condition":{
		"StringEquals":{"AWS:SourceAccount":"000000000000"},
		"ArnLike":{"AWS:SourceArn":"arn:aws:cognito-idp:us-east-1:000000000000:userpool/*"}}}]}`
	testCallback = "https://app.example/cb"
	testGuard    = "ABCDEFGHIJKLMNOPQRSTUVWXY2"
	// an access token whose claims name the user u-1
	testTokens = `{"AuthenticationResult":{"AccessToken":"e30.eyJ1c2VybmFtZSI6InUtMSIsInN1YiI6InUtMSJ9.x","IdToken":"i"}}`
)

// fake stands for the emulator: it answers the facts that the edge asks for, and
// records the calls of people and the invocations of triggers in their order.
type fake struct {
	mu        sync.Mutex
	server    *httptest.Server
	client    map[string]any
	user      map[string]any
	policy    string
	replies   map[string]reply // by Cognito action or path
	invoke    func(w http.ResponseWriter, r *http.Request, payload []byte)
	order     []string
	payloads  []json.RawMessage
	bodies    []string
	invokes   int
	functions map[string]any
	invited   bool     // only administrators create users
	verify    []string // attributes that have to be proved before they change
	unknown   string   // a name that no user has
}

type reply struct {
	status int
	header http.Header
	body   string
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{
		policy: testPolicy,
		client: map[string]any{"ClientId": "c1", "UserPoolId": testPool, "PreventUserExistenceErrors": "ENABLED"},
		user: map[string]any{
			"Username": "u-1", "UserStatus": "CONFIRMED",
			"UserAttributes": []attribute{{"sub", "u-1"}, {"email", "a@x.example"}, {"email_verified", "true"}},
		},
		replies: map[string]reply{},
		functions: map[string]any{
			"PreSignUp": testFunction, "PreAuthentication": testFunction,
			"PostAuthentication": testFunction, "PostConfirmation": testFunction,
		},
	}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	action, isCognito := strings.CutPrefix(r.Header.Get("X-Amz-Target"), cognitoTarget)
	switch {
	case strings.HasSuffix(r.URL.Path, "/invocations"):
		f.serveInvoke(w, r, body)
	case strings.HasSuffix(r.URL.Path, "/policy"):
		f.servePolicy(w)
	case isCognito:
		f.serveCognito(w, action, body)
	case r.URL.Path == "/oauth2/authorize":
		f.serveAuthorize(w, r.URL.Query())
	default:
		f.serve(w, r.URL.Path, string(body))
	}
}

func (f *fake) serveInvoke(w http.ResponseWriter, r *http.Request, body []byte) {
	var ev struct{ TriggerSource string }
	_ = json.Unmarshal(body, &ev)
	f.mu.Lock()
	f.invokes++
	f.order = append(f.order, ev.TriggerSource)
	f.payloads = append(f.payloads, body)
	invoke := f.invoke
	f.mu.Unlock()
	if invoke != nil {
		invoke(w, r, body)
		return
	}
	_, _ = w.Write(body)
}

func (f *fake) servePolicy(w http.ResponseWriter) {
	f.mu.Lock()
	policy := f.policy
	f.mu.Unlock()
	if policy == "" {
		writeJSON(w, 404, map[string]string{"__type": "ResourceNotFoundException", "message": "No policy is associated with the given resource."})
		return
	}
	writeJSON(w, 200, map[string]string{"Policy": policy})
}

func (f *fake) serveCognito(w http.ResponseWriter, action string, body []byte) {
	f.mu.Lock()
	client, user, functions := maps.Clone(f.client), f.user, f.functions
	f.mu.Unlock()
	switch action {
	case "ListUserPools":
		writeJSON(w, 200, map[string]any{"UserPools": []any{map[string]string{"Id": testPool}}})
	case "ListUserPoolClients":
		writeJSON(w, 200, map[string]any{"UserPoolClients": []any{map[string]any{"ClientId": client["ClientId"]}}})
	case "DescribeUserPoolClient":
		if !strings.Contains(string(body), testPool) {
			writeJSON(w, 400, map[string]string{"__type": "ResourceNotFoundException", "message": "no such pool"})
			return
		}
		writeJSON(w, 200, map[string]any{"UserPoolClient": client})
	case "DescribeUserPool":
		writeJSON(w, 200, map[string]any{"UserPool": map[string]any{
			"Id": testPool, "Arn": testPoolARN, "LambdaConfig": functions,
			"AdminCreateUserConfig":  map[string]any{"AllowAdminCreateUserOnly": f.invited},
			"AutoVerifiedAttributes": []string{"email"},
			"Policies":               map[string]any{"PasswordPolicy": map[string]any{"MinimumLength": 12, "RequireNumbers": true}}, "UsernameAttributes": []string{"email"},
			"UserAttributeUpdateSettings": map[string]any{"AttributesRequireVerificationBeforeUpdate": f.verify},
		}})
	case "AdminGetUser":
		if user == nil || f.unknown != "" && strings.Contains(string(body), f.unknown) {
			writeJSON(w, 400, map[string]string{"__type": "UserNotFoundException", "message": "User does not exist."})
			return
		}
		writeJSON(w, 200, user)
	default:
		f.serve(w, action, string(body))
	}
}

// serveAuthorize checks the client's redirect address and shows a sign-in form, in
// the emulator's words.
func (f *fake) serveAuthorize(w http.ResponseWriter, given url.Values) {
	switch {
	case given.Get("client_id") != "c1":
		writeJSON(w, 400, map[string]string{"error": "invalid_client", "error_description": "Client not found."})
	case given.Get("redirect_uri") != testCallback:
		writeJSON(w, 400, map[string]string{"error": "invalid_request", "error_description": "redirect_uri is not allowed: x"})
	case given.Get("scope") == "wrong":
		w.Header().Set("Location", testCallback+"?error=invalid_request&error_description=invalid_scope")
		w.WriteHeader(http.StatusFound)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, emulatorForm(""))
	}
}

func emulatorForm(problem string) string {
	return `<h1>Sign in</h1><div class="error">` + problem + `</div><form method="POST" action="/login">
<input type="hidden" name="client_id" value="c1"><label for="username">Username</label>
<input type="text" id="username" name="username"><label for="password">Password</label>
<input type="password" id="password" name="password"><button type="submit">Sign in</button></form>`
}

func (f *fake) serve(w http.ResponseWriter, name, body string) {
	f.mu.Lock()
	f.order = append(f.order, name)
	f.bodies = append(f.bodies, body)
	one, ok := f.replies[name]
	f.mu.Unlock()
	if !ok {
		one = reply{status: 200, body: "{}"}
	}
	for name, values := range one.header {
		w.Header()[name] = values
	}
	w.WriteHeader(one.status)
	_, _ = io.WriteString(w, one.body)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// calls is what reached the emulator so far, in order.
func (f *fake) calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.order...)
}

// invocations counts the runs of functions so far.
func (f *fake) invocations() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.invokes
}

// edgeBefore starts an edge before the fake.
func edgeBefore(t *testing.T, f *fake) (*handler, string) {
	t.Helper()
	h, err := newHandler(Config{Root: "../../..", Upstream: f.server.URL, Region: "us-east-1", Environment: "local", AccessKeyID: "test", SecretAccessKey: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h.triggers.attemptLimit = 2 * time.Second
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		h.faults.clear()
		server.Close()
	})
	return h, server.URL
}

// callCognito makes one call and returns status, headers and body.
func callCognito(t *testing.T, origin, action string, in any) (int, http.Header, string) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, origin+"/", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", cognitoTarget+action)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	return do(t, req)
}

// postForm posts as a browser that was given the page before.
func postForm(t *testing.T, target string, form url.Values) (int, http.Header, string) {
	t.Helper()
	if !form.Has(guardField) {
		form.Set(guardField, testGuard)
	}
	req, err := http.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: guardCookie, Value: testGuard})
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, http.Header, string) {
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
