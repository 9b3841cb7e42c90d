package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/uuid"

	"gatehouse.example/e2e/chromium"
)

// site serves an empty page for every path and returns its address.
func site(t *testing.T) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, `<!doctype html><title>Another site</title><h1>Another site</h1>`)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// rootQuery is the operator's key in a URL, where a form can put it. The emulator looks at
// its id only.
func (s *system) rootQuery(service string) string {
	return url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Date": {time.Now().UTC().Format("20060102T150405Z")}, "X-Amz-Expires": {"900"},
		"X-Amz-Credential":    {s.env["AWS_ACCESS_KEY_ID"] + "/" + time.Now().UTC().Format("20060102") + "/" + s.env["AWS_REGION"] + "/" + service + "/aws4_request"},
		"X-Amz-SignedHeaders": {"host"}, "X-Amz-Signature": {"0"},
	}.Encode()
}

// TestBrowserRefusesPagesOfOtherOrigins attacks the local system from Chromium, from
// another site, from another port of this machine, and by DNS rebinding.
func TestBrowserRefusesPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	s := start(t)
	address, proxy := site(t), s.env["AWS_ENDPOINT_URL"]
	port := strconv.Itoa(s.port)
	for name, origin := range map[string]string{
		"another_site": "http://evil.example", "another_port": "http://" + address, "rebinding": "http://evil.example:" + port,
	} {
		t.Run(name, func(t *testing.T) {
			w := openWindow(t, 800, 600, "MAP evil.example:80 "+address, "MAP evil.example:"+port+" 127.0.0.1:"+port)
			w.must(w.Visit(origin + "/app"))
			to := proxy
			if name == "rebinding" {
				w.must(w.Says("refused: the host evil.example:" + port))
				to = ""
			} else {
				w.must(w.Heading("Another site"))
			}
			s.attack(t, w, to)
		})
	}
	if connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(s.port+1)); err == nil {
		_ = connection.Close()
		t.Error("the emulator listens on a port of its own")
	}
}

// attack does what a page can: forms and requests that need no permission of the
// receiver, and requests that do. None may have an effect.
func (s *system) attack(t *testing.T, w window, to string) {
	t.Helper()
	evil := "evil-" + uuid.NewString()[:8]
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	role := url.Values{"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {evil}, "AssumeRolePolicyDocument": {trust}}.Encode()
	function := `{"FunctionName":"` + evil + `","Role":"arn:aws:iam::000000000000:role/` + evil + `","Runtime":"provided.al2023","Handler":"bootstrap","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}`
	signed := "AWS4-HMAC-SHA256 Credential=" + s.env["AWS_ACCESS_KEY_ID"] + "/20261129/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0"
	for name, request := range map[string]struct {
		path, body string
		options    map[string]any
	}{
		"role":        {"/?" + s.rootQuery("iam"), role, map[string]any{"mode": "no-cors"}},
		"role_get":    {"/?" + s.rootQuery("iam") + "&" + role, "", map[string]any{"mode": "no-cors", "method": "GET"}},
		"role_signed": {"/", role, map[string]any{"headers": map[string]string{"Authorization": signed}}},
		"function":    {"/2015-03-31/functions?" + s.rootQuery("lambda"), function, map[string]any{"mode": "no-cors"}},
		"fault":       {"/_gatehouse/faults", `{"service":"` + evil + `","mode":"hang"}`, map[string]any{"mode": "no-cors"}},
		"reset":       {"/_ministack/reset", "", map[string]any{"mode": "no-cors"}},
	} {
		options := map[string]any{"method": "POST"}
		if request.body != "" {
			options["body"] = request.body
		}
		for key, value := range request.options {
			options[key] = value
		}
		raw := must(json.Marshal([]any{to + request.path, options}))(t)
		status, err := chromium.Script[int](w.Browser, `fetch(...`+string(raw)+`).then((r) => r.status, () => -1)`)
		// 0 is an answer that the page may not read; -1 is a request that was not made.
		if err != nil || status != 0 && status != -1 && status != http.StatusForbidden {
			t.Errorf("%s: status %d, %v", name, status, err)
		}
	}
	form := must(json.Marshal([]string{to + "/?" + s.rootQuery("iam"), role}))(t)
	_, err := chromium.Script[bool](w.Browser, `(([action, fields]) => {
		const form = Object.assign(document.createElement("form"), { method: "post", action })
		for (const [name, value] of new URLSearchParams(fields)) form.append(Object.assign(document.createElement("input"), { name, value }))
		document.body.append(form)
		setTimeout(() => form.submit())
		return true
	})(`+string(form)+`)`)
	w.must(err, w.Says("refused: "))
	s.untouched(t, evil)
}

// untouched checks that no attack had an effect.
func (s *system) untouched(t *testing.T, evil string) {
	t.Helper()
	if _, err := iam.NewFromConfig(s.env.Config()).GetRole(t.Context(), &iam.GetRoleInput{RoleName: &evil}); err == nil {
		t.Error("a page created a role")
	}
	if _, err := lambda.NewFromConfig(s.env.Config()).GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &evil}); err == nil {
		t.Error("a page created a function")
	}
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.env["AWS_ENDPOINT_URL"]+"/_gatehouse/faults", http.NoBody))(t)
	res := must(http.DefaultClient.Do(req))(t)
	defer res.Body.Close()
	var faults []fault
	if err := json.NewDecoder(res.Body).Decode(&faults); err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if f.Service == evil {
			t.Error("a page set a fault")
		}
	}
}

// TestBrowserAppOnAnotherOrigin does what an app on its own origin does on AWS: the hosted
// pages, tokens, the API, Cognito's API, credentials of the identity pool, an app event.
func TestBrowserAppOnAnotherOrigin(t *testing.T) {
	t.Parallel()
	hold(t, &appEvents)
	s := start(t)
	inbox := s.subscribe(t)
	p := s.member(t)
	w := openWindow(t, 800, 600, "MAP localhost:8400 "+site(t))
	const app, verifier = "http://localhost:8400", "a-verifier-of-at-least-forty-three-characters-0123456789"
	challenge := sha256.Sum256([]byte(verifier))
	w.must(w.Visit(app+"/"), w.Heading("Another site"))
	link := must(json.Marshal(s.env["HOSTED_UI_URL"] + "/oauth2/authorize?" + s.appRequest("redirect_uri", app+"/callback",
		"code_challenge", base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method", "S256")))(t)
	_, err := chromium.Script[bool](w.Browser, `setTimeout(() => location.assign(`+string(link)+`)) > 0`)
	w.must(err)
	w.signIn(p.Email, password)
	w.must(w.Heading("Another site"))

	hosted, api, endpoint := s.env["HOSTED_UI_URL"], s.env["API_URL"], s.env["AWS_ENDPOINT_URL"]
	tokens := fetched[struct {
		ID     string `json:"id_token"`
		Access string `json:"access_token"`
	}](t, w, `fetch(`+quoted(t, hosted+"/oauth2/token")+`, { method: "POST", body: new URLSearchParams({ grant_type: "authorization_code",
		client_id: `+quoted(t, s.env["WEB_CLIENT_ID"])+`, redirect_uri: `+quoted(t, app+"/callback")+`, code_verifier: `+quoted(t, verifier)+`,
		code: new URLSearchParams(location.search).get("code") }) })`)
	who := fetched[struct{ Sub string }](t, w, `fetch(`+quoted(t, api+"/user")+`, { headers: { Authorization: `+quoted(t, "Bearer "+tokens.ID)+` } })`)
	info := fetched[struct{ Sub string }](t, w, `fetch(`+quoted(t, hosted+"/oauth2/userInfo")+`, { headers: { Authorization: `+quoted(t, "Bearer "+tokens.Access)+` } })`)
	keys := fetched[struct{ Keys []any }](t, w, `fetch(`+quoted(t, endpoint+"/"+s.env["USER_POOL_ID"]+"/.well-known/jwks.json")+`)`)
	if who.Sub != p.Sub || info.Sub != p.Sub || len(keys.Keys) == 0 {
		t.Errorf("/user %q, userInfo %q, %d keys", who.Sub, info.Sub, len(keys.Keys))
	}
	s.sendsFromThePage(t, w, inbox)
}

// sendsFromThePage gets credentials of the identity pool in the page, and sends an app
// event with them.
func (s *system) sendsFromThePage(t *testing.T, w window, inbox inbox) {
	t.Helper()
	endpoint := s.env["AWS_ENDPOINT_URL"] + "/"
	call := func(target, in string) string {
		return `fetch(` + quoted(t, endpoint) + `, { method: "POST", body: ` + quoted(t, in) + `,
			headers: { "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": ` + quoted(t, target) + ` } })`
	}
	identity := fetched[struct{ IdentityId string }](t, w, call("AWSCognitoIdentityService.GetId", `{"IdentityPoolId":"`+s.env["IDENTITY_POOL_ID"]+`"}`)) //nolint:revive // Cognito's name
	given := fetched[struct {
		Credentials struct{ AccessKeyId, SecretKey, SessionToken string } //nolint:revive // Cognito's names
	}](t, w, call("AWSCognitoIdentityService.GetCredentialsForIdentity", `{"IdentityId":"`+identity.IdentityId+`"}`)).Credentials
	body := `{"QueueUrl":"` + s.env[guestQueue] + `","MessageBody":"{\"name\":\"page.opened\"}"}`
	req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(body)))(t)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	key := must(s.as(given.AccessKeyId, given.SecretKey, given.SessionToken).env.Config().Credentials.Retrieve(t.Context()))(t)
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), key, req, hex.EncodeToString(sum[:]), "sqs", s.env["AWS_REGION"], time.Now()); err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{}
	for name := range req.Header {
		if name != "Content-Length" {
			headers[name] = req.Header.Get(name)
		}
	}
	raw := must(json.Marshal(map[string]any{"method": "POST", "body": body, "headers": headers}))(t)
	sent := fetched[struct{ MessageId string }](t, w, `fetch(`+quoted(t, endpoint)+`, `+string(raw)+`)`) //nolint:revive // SQS's name
	inbox.wait(t, 1, id(sent.MessageId))
}

// fetched is the answer of a request that the page makes and reads.
func fetched[T any](t *testing.T, w window, request string) T {
	t.Helper()
	text, err := chromium.Script[string](w.Browser, request+`.then(async (r) => r.status + " " + await r.text(), (e) => String(e))`)
	w.must(err)
	var out T
	status, body, _ := strings.Cut(text, " ")
	if err := json.Unmarshal([]byte(body), &out); err != nil || status != "200" {
		t.Fatalf("%.60s answers %.200s", request, text)
	}
	return out
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	return string(must(json.Marshal(text))(t))
}
