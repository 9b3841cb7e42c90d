package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

// identityProvider is a provider of OpenID Connect on this machine, who signs in whoever the
// test has named last and asks nobody for anything.
type identityProvider struct {
	*httptest.Server

	key    key
	secret string // of the pool, which is its client gatehouse

	mu sync.Mutex
	// person are the claims of the next person, fault what is wrong with the next token.
	person, fault map[string]any
	refusal       string                // the error that it sends the next person back with
	codes         map[string]url.Values // the requests by their codes
}

func newIdentityProvider(t *testing.T) *identityProvider {
	t.Helper()
	p := &identityProvider{key: newKey(t), secret: uuid.NewString(), codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	p.Server = httptest.NewTLSServer(mux)
	t.Cleanup(p.Close)
	answer := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]string{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		jwk := p.key.jwk()
		jwk["kid"] = "k1"
		answer(w, map[string]any{"keys": []any{jwk}})
	})
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		token := p.token(t, r)
		if token == "" {
			w.WriteHeader(http.StatusBadRequest)
		}
		answer(w, map[string]string{"id_token": token, "access_token": "of the provider", "token_type": "Bearer"})
	})
	return p
}

// authorize sends the browser back with a code, or with the refusal.
func (p *identityProvider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := r.URL.Query()
	back := url.Values{"state": {asked.Get("state")}}
	if p.refusal != "" {
		back.Set("error", p.refusal)
	} else {
		code := uuid.NewString()
		back.Set("code", code)
		p.codes[code] = asked
	}
	http.Redirect(w, r, asked.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

// token is the ID token for a code, if the request is the pool's.
func (p *identityProvider) token(t *testing.T, r *http.Request) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	if asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") || asked.Get("client_id") != "gatehouse" || r.PostFormValue("client_secret") != p.secret {
		return ""
	}
	token := jwt{
		head:   map[string]any{"alg": "RS256", "kid": "k1"},
		claims: map[string]any{"iss": p.URL, "aud": "gatehouse", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix()},
	}
	signer := p.key
	for _, more := range []map[string]any{p.person, p.fault} {
		for name, value := range more {
			token = token.claim(name, value)
		}
	}
	if p.fault["key"] != nil {
		signer = newKey(t)
	}
	return token.signed(t, signer)
}

// federation is an app whose people may come from the provider.
type federation struct {
	*system
	*identityProvider
	name, client string
	app          oauth2.Config
}

// federate makes the provider by the platform's template, and an app client that names it.
func (s *system) federate(t *testing.T) *federation {
	t.Helper()
	f := &federation{system: s, identityProvider: newIdentityProvider(t), name: "Acme" + uuid.NewString()[:8]}
	c := s.clients(t)
	arn := strings.TrimSpace(must(s.run(t, "aws", "secretsmanager", "create-secret", "--query", "ARN", "--output", "text",
		"--name", "gatehouse/local/platform/"+f.name, "--secret-string", f.secret))(t))
	body := must(os.ReadFile(filepath.Join(s.root, "platform", "federation.yaml")))(t)
	in := &cloudformation.CreateStackInput{StackName: aws.String("federation-" + f.name), TemplateBody: aws.String(string(body))}
	for name, value := range map[string]string{
		"OidcClientId": "gatehouse", "OidcIssuer": f.URL, "OidcSecretArn": arn, "ProviderEmailAttribute": "",
		"ProviderName": f.name, "SamlMetadataUrl": "", "UserPoolId": s.env["USER_POOL_ID"],
	} {
		in.Parameters = append(in.Parameters, cfntypes.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
	}
	must(c.cloudformation.CreateStack(t.Context(), in))(t)
	made := cloudformation.NewStackCreateCompleteWaiter(c.cloudformation, func(o *cloudformation.StackCreateCompleteWaiterOptions) { o.MinDelay = time.Second / 4 })
	check(t, made.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: in.StackName}, limit))
	client := must(c.cognito.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: s.pool(), ClientName: &f.name, SupportedIdentityProviders: []string{"COGNITO", f.name}, CallbackURLs: []string{callback},
		AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}, AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthScopes: []string{"openid", "email"},
	}))(t).UserPoolClient
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_, _ = c.cognito.DeleteUserPoolClient(ctx, &cognito.DeleteUserPoolClientInput{UserPoolId: s.pool(), ClientId: client.ClientId})
		_, _ = c.cloudformation.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: in.StackName})
	})
	f.client = *client.ClientId
	f.app = oauth2.Config{ClientID: f.client, RedirectURL: callback, Scopes: []string{"openid", "email"}, Endpoint: oauth2.Endpoint{
		AuthURL: s.env["HOSTED_UI_URL"] + "/oauth2/authorize", TokenURL: s.env["HOSTED_UI_URL"] + "/oauth2/token", AuthStyle: oauth2.AuthStyleInParams,
	}}
	return f
}

// visit sends the person to the provider and returns what the app gets, and its verifier.
func (f *federation) visit(t *testing.T, sub, email string) (back url.Values, verifier string) {
	t.Helper()
	f.mu.Lock()
	f.person = map[string]any{"sub": sub, "email": email, "email_verified": true, "name": "Erika"}
	f.mu.Unlock()
	verifier = oauth2.GenerateVerifier()
	b := newBrowser(t)
	b.Transport = f.Client().Transport
	resp := b.get(t, f.app.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("identity_provider", f.name)))
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil || to.Query().Get("state") != "state-1" {
		t.Fatalf("the app gets %v, %v, status %d", to, err, resp.StatusCode)
	}
	return to.Query(), verifier
}

// signIn returns the claims of the ID token.
func (f *federation) signIn(t *testing.T, sub, email string) map[string]any {
	t.Helper()
	back, verifier := f.visit(t, sub, email)
	if back.Get("code") == "" {
		t.Fatalf("no code: %v", back)
	}
	token := must(f.app.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(verifier)))(t)
	id, _ := token.Extra("id_token").(string)
	return parseToken(t, id).claims
}

// sum is how often the metric counted the app's client.
func (f *federation) sum(t *testing.T, metric string) float64 {
	t.Helper()
	meter := actors.NewMeter(f.clients(t).cloudwatch, "local", began)
	meter.ClientID = f.client
	return must(meter.Sum(t.Context(), metric))(t)
}

// TestFederation signs people in with an identity provider: for the first time, later, and
// as a user that they were linked to.
func TestFederation(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox, f, erika := s.subscribe(t), s.federate(t), s.newPerson(t)

	first := f.signIn(t, "u-1", erika.Email)
	sub, _ := first["sub"].(string)
	if first["cognito:username"] != f.name+"_u-1" || first["email"] != erika.Email || first["email_verified"] != false || first["name"] != nil {
		t.Errorf("the first ID token has %v", first)
	}
	via := func(typ string) func(event.Event) bool {
		return func(ev event.Event) bool {
			var data struct{ Via string }
			return ev.Type() == typ && (ev.Subject() == sub || ev.Subject() == "") && contracts.ClientID(ev) == f.client &&
				ev.DataAs(&data) == nil && data.Via == contracts.ViaFederation
		}
	}
	for _, typ := range []string{contracts.TypeSignupAllowed, contracts.TypeUserCreated, contracts.TypeSigninSucceeded} {
		inbox.wait(t, 1, via(typ))
	}
	eventually(t, "the first sign-in in the metrics", func() bool { return f.sum(t, "SignInsSucceeded") == 1 })
	if attempts := f.sum(t, "SignInsAttempted"); attempts != 0 {
		t.Errorf("the first sign-in counts as %v attempts", attempts)
	}
	exactly(t, inbox, 0, of(contracts.TypeSigninAttempted, sub))

	if later := f.signIn(t, "u-1", erika.Email); later["sub"] != sub {
		t.Errorf("later the user is %v, want %s", later["sub"], sub)
	}
	inbox.wait(t, 1, of(contracts.TypeSigninAttempted, sub))
	inbox.wait(t, 2, of(contracts.TypeSigninSucceeded, sub))
	eventually(t, "the attempt in the metrics", func() bool { return f.sum(t, "SignInsAttempted") == 1 && f.sum(t, "SignInsSucceeded") == 2 })
	s.barrier(t, inbox)
	exactly(t, inbox, 1, of(contracts.TypeUserCreated, sub))

	t.Run("linked", func(t *testing.T) { f.linked(t, inbox) })
	t.Run("refused", func(t *testing.T) { f.refused(t) })
}

// linked: a person is linked to a user before the first sign-in with the provider, and never after it.
func (f *federation) linked(t *testing.T, inbox inbox) {
	p := f.member(t)
	user := must(p.c.cognito.AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: f.pool(), Username: &p.Email}))(t)
	link := func(sub string) error {
		_, err := p.c.cognito.AdminLinkProviderForUser(t.Context(), &cognito.AdminLinkProviderForUserInput{
			UserPoolId:      f.pool(),
			DestinationUser: &types.ProviderUserIdentifierType{ProviderName: aws.String("Cognito"), ProviderAttributeValue: user.Username},
			SourceUser:      &types.ProviderUserIdentifierType{ProviderName: &f.name, ProviderAttributeName: aws.String("Cognito_Subject"), ProviderAttributeValue: &sub},
		})
		return err
	}
	if got, want := answer(link("u-1")), "InvalidParameterException: Merging is not currently supported"; !strings.HasPrefix(got, want) {
		t.Errorf("to link a user who has signed in: %s, want %s", got, want)
	}
	check(t, link("u-2"))
	if claims := f.signIn(t, "u-2", p.Email); claims["sub"] != p.Sub || claims["email_verified"] != true {
		t.Errorf("the linked person is %v, want the user %s", claims, p.Sub)
	}
	inbox.wait(t, 1, of(contracts.TypeSigninAttempted, p.Sub))
	inbox.wait(t, 1, of(contracts.TypeSigninSucceeded, p.Sub))
	f.barrier(t, inbox)
	exactly(t, inbox, 1, of(contracts.TypeUserCreated, p.Sub)) // by the sign-up with a password
	p.signIn(t)                                                // which still works
}

// refused: the app learns each error at its address, and nobody gets a token.
func (f *federation) refused(t *testing.T) {
	set := func(refusal string, fault map[string]any) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.refusal, f.fault = refusal, fault
	}
	good := f.newPerson(t).Email
	for name, tc := range map[string]struct {
		refusal, email, code, text string
		fault                      map[string]any
	}{
		"disposable":   {email: "erika@" + f.name + ".mailinator.com", code: "invalid_request", text: "PreSignUp failed with error "},
		"by_provider":  {refusal: "access_denied", email: good, code: "access_denied", text: f.name + " Error"},
		"other_key":    {email: good, fault: map[string]any{"key": "other"}, code: "invalid_request", text: "signature"},
		"other_issuer": {email: good, fault: map[string]any{"iss": "https://login.example.com"}, code: "invalid_request", text: "issuer"},
		"other_client": {email: good, fault: map[string]any{"aud": "other"}, code: "invalid_request", text: "audience"},
		"expired":      {email: good, fault: map[string]any{"exp": 1}, code: "invalid_request", text: "expired"},
	} {
		set(tc.refusal, tc.fault)
		back, _ := f.visit(t, "u-3", tc.email)
		if back.Get("error") != tc.code || !strings.Contains(back.Get("error_description"), tc.text) || back.Get("code") != "" {
			t.Errorf("%s: the app gets %v, want %s, %q", name, back, tc.code, tc.text)
		}
	}
	set("", nil)
	_, err := f.clients(t).cognito.AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: f.pool(), Username: aws.String(f.name + "_u-3")})
	if got := answer(err); !strings.HasPrefix(got, "UserNotFoundException") {
		t.Errorf("somebody who was refused is a user: %s", got)
	}
	back, _ := f.visit(t, "u-1", good)
	status, failure := f.exchange(t, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {f.client}, "redirect_uri": {callback}, "code": {back.Get("code")}, "code_verifier": {oauth2.GenerateVerifier()},
	})
	if status != http.StatusBadRequest || failure != "invalid_grant" {
		t.Errorf("a wrong verifier: %d %s", status, failure)
	}
}
