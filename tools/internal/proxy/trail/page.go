package trail

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// page is what a record says about a path of the hosted pages.
type page struct {
	name string
	// reads marks the records that only some rules get.
	reads bool
	// person reports that the record names the user, if there is one.
	person bool
}

// signIn is the record of a sign-in form. No document says what the classic pages record of
// a wrong password; EventBridge's list has the name Login_Error_POST.
const signIn = "CognitoAuthentication"

// pages are the requests with a record, and its name. These are the names of the classic
// pages; a domain with managed login has others for some of them:
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-info-in-cloudtrail.html
// Confirm_GET is read-only in EventBridge's list and not in AWS's example of the record.
// The code of an authenticator has managed login's name: it is the one that says which
// second factor was asked for.
func pages() map[string]page {
	return map[string]page{
		"GET /oauth2/authorize":       {name: "OAuth2_Authorize_GET"},
		"GET /oauth2/idpresponse":     {name: "OAuth2Response_GET"},
		"GET /login":                  {name: "Login_GET", reads: true},
		"POST /login":                 {name: signIn, person: true},
		"POST /oauth2/login":          {name: signIn, person: true},
		"GET /signup":                 {name: "Signup_GET", reads: true},
		"POST /signup":                {name: "Signup_POST"},
		"GET /confirm":                {name: "Confirm_GET"},
		"POST /confirm":               {name: "Confirm_POST", person: true},
		"POST /resendcode":            {name: "ResendCode_POST", person: true},
		"GET /forgotPassword":         {name: "ForgotPassword_GET", reads: true},
		"POST /forgotPassword":        {name: "ForgotPassword_POST", person: true},
		"GET /confirmforgotPassword":  {name: "ConfirmForgotPassword_GET", reads: true},
		"POST /confirmforgotPassword": {name: "ConfirmForgotPassword_POST", person: true},
		"POST /mfa/totp":              {name: "mfa_totp_POST", person: true},
		"GET /mfa/register":           {name: "MfaRegister_GET"},
		"POST /mfa/register":          {name: "MfaRegister_POST", person: true},
		"GET /logout":                 {name: "Logout"},
		"POST /oauth2/token":          {name: "Token_POST"},
		"GET /oauth2/userInfo":        {name: "UserInfo_GET", reads: true},
		"POST /oauth2/userInfo":       {name: "UserInfo_POST", reads: true},
	}
}

// shownFields are the parameters that AWS's examples show. Every other is hidden.
var shownFields = words(`client_id confirm deliveryMedium grant_type redirect_uri response_type scope`)

// recordPage records a request to the hosted pages or to an OAuth endpoint.
func (t *Trail) recordPage(w http.ResponseWriter, r *http.Request, p page, next http.Handler) {
	given := r.URL.Query()
	if r.Method == http.MethodPost {
		given, _ = url.ParseQuery(string(heard(r))) // what can be read
	}
	basic, _, _ := r.BasicAuth()
	a := listen(w, r, next)
	if p.name == signIn && a.notes.Get(upstream.NoteProblem) != "" {
		p.name, p.reads = "Login_Error_POST", true
	}
	errorCode, errorMessage, isError := strings.Cut(a.notes.Get(upstream.NoteProblem), ": ")
	if !isError {
		errorCode = ""
	}
	parameters, client := pageParameters(p.name, given), given.Get("client_id")
	for _, other := range []string{basic, a.notes.Get(upstream.NoteClient)} {
		if client == "" {
			client = other
		}
	}
	person := given.Get("username")
	if noted, err := url.QueryUnescape(a.notes.Get(upstream.NoteUser)); err == nil && noted != "" {
		person = noted
	}
	address, userAgent := caller(r)
	additional := map[string]any{
		"requestParameters": parameters, "responseParameters": map[string]any{"status": a.status},
	}
	if p.name == "Token_POST" && client != "" {
		additional["clientId"] = client
	}
	made := newRecord(serviceEvent, "cognito-idp", "", t.up.Region, time.Now(), map[string]any{
		"eventVersion": "1.08", "eventType": "AwsServiceEvent", "eventName": p.name, "readOnly": p.reads,
		"sourceIPAddress": address, "userAgent": userAgent, "requestID": a.requestID,
		"errorCode": errorCode, "errorMessage": errorMessage, "requestParameters": nil, "responseElements": nil,
		"additionalEventData": additional, "userIdentity": map[string]any{},
		"serviceEventDetails": map[string]any{"serviceAccountId": serviceAccount},
	})
	t.keep(r.Context(), made, func(ctx context.Context, made *record) (bool, error) {
		return true, t.completePage(ctx, made, p, client, person)
	})
}

// serviceAccount is Cognito's own account, as AWS's examples have it.
const serviceAccount = "111122223333"

// completePage adds the pool, and the user if the record names one.
func (t *Trail) completePage(ctx context.Context, made *record, p page, client, person string) error {
	made.Detail["userIdentity"] = map[string]any{"accountId": made.Account}
	additional, _ := made.Detail["additionalEventData"].(map[string]any)
	parameters, _ := additional["requestParameters"].(map[string]any)
	pool, err := t.poolOf(ctx, client)
	if err != nil || pool.ID == "" {
		return err
	}
	additional["userPoolId"] = pool.ID
	if host := pool.Host(t.up.Region); host != "" {
		additional["userPoolDomain"] = host
	}
	if !p.person || person == "" {
		return nil
	}
	u, _, err := t.up.User(ctx, pool.ID, person)
	if sub := u.Attributes["sub"]; sub != "" {
		parameters["sub"] = []string{sub}
	}
	return err
}

// poolOf is the pool whose page it is. On AWS the host decides; here one host serves every
// pool, so the client does. What names no client belongs to the environment's pool.
func (t *Trail) poolOf(ctx context.Context, client string) (upstream.Pool, error) {
	_, pool, found, err := t.up.ClientPool(ctx, client)
	if found || err != nil {
		return pool, err
	}
	id, err := t.up.Parameter(ctx, t.pool)
	if id == "" || err != nil {
		return upstream.Pool{}, err
	}
	pool, _, err = t.up.Pool(ctx, id)
	return pool, err
}

// Fields of forms that only the proxy's pages have, and those that Cognito's have in addition.
var (
	localFields = words(`flow notice np_token password_again ua_token`)
	addedFields = map[string]map[string][]string{
		"Signup_POST": {"requiredAttributes[email]": {hidden}},
		"Confirm_POST": {
			"confirm": {""}, "deliveryMedium": {"EMAIL"}, "destination": {hidden}, "username": {hidden}, "cognitoAsfData": {hidden},
		},
	}
)

// pageParameters are the parameters by their names. They are lists, as in AWS's examples.
func pageParameters(name string, given url.Values) map[string]any {
	out := map[string]any{}
	for field, values := range given {
		switch {
		case localFields[field]:
		case shownFields[field]:
			out[field] = values
		default:
			out[field] = []string{hidden}
		}
	}
	for field, values := range addedFields[name] {
		out[field] = values
	}
	return out
}
