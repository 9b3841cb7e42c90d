package hostedpages

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"gatehouse.example/tools/internal/proxy/upstream"
)

const (
	// totpPath asks for the code of an authenticator app, registerPath sets one up.
	totpPath     = "/mfa/totp"
	registerPath = "/mfa/register"

	softwareToken = "SOFTWARE_TOKEN_MFA"
	// stepLimit is shorter than the 5 minutes for which the emulator's code for the app is
	// good. On AWS a session lasts 3 minutes, unless the client's AuthSessionValidity says
	// otherwise.
	stepLimit = 4 * time.Minute
	wrongTOTP = "That code is not right. Please type the code that the app shows now."
)

// secondStep is a sign-in whose password was right: the redirect with the code for the app
// waits until the second factor is right, too.
type secondStep struct {
	session signInSession
	user    string // the name that Cognito gave
	reply   *upstream.Answer
	until   time.Time
	path    string
	// accessToken and key are those of a person who sets up the first authenticator.
	accessToken, key string
}

// secondFactor is the address of the page that asks for the second factor or sets one up; it
// is empty if the password is enough. The emulator's own page asks nobody.
func (p *Pages) secondFactor(ctx context.Context, session signInSession, reply *upstream.Answer) (string, error) {
	pool := session.request.pool
	if pool.MFA != "ON" && pool.MFA != "OPTIONAL" {
		return "", nil
	}
	user, _, err := p.up.User(ctx, pool.ID, session.name)
	if err != nil {
		return "", err
	}
	step := secondStep{session: session, user: user.Name, reply: reply, until: time.Now().Add(stepLimit), path: totpPath}
	if !slices.Contains(user.Factors, softwareToken) {
		wanted, err := p.mustSetUp(ctx, pool)
		if err != nil || !wanted {
			return "", err
		}
		step.path = registerPath
		if err := p.beginSetUp(ctx, &step); err != nil {
			return "", err
		}
	}
	return session.request.path(step.path, flowField, p.steps.add(step)), nil
}

// mustSetUp reports whether people of the pool may not sign in without an authenticator.
func (p *Pages) mustSetUp(ctx context.Context, pool upstream.Pool) (bool, error) {
	if pool.MFA != "ON" {
		return false, nil
	}
	var out struct {
		SoftwareTokenMfaConfiguration struct{ Enabled bool }
	}
	err := p.up.Directory(ctx, "GetUserPoolMfaConfig", map[string]any{"UserPoolId": pool.ID}, &out)
	return out.SoftwareTokenMfaConfiguration.Enabled, err
}

// beginSetUp asks for a key. With a session instead of an access token, as on AWS, the
// emulator would not know whose key it is.
func (p *Pages) beginSetUp(ctx context.Context, step *secondStep) error {
	var err error
	if step.accessToken, err = p.respond(ctx, *step, "MFA_SETUP", nil); err != nil {
		return err
	}
	var out struct{ SecretCode string }
	err = p.up.Directory(ctx, "AssociateSoftwareToken", map[string]any{"AccessToken": step.accessToken}, &out)
	step.key = out.SecretCode
	return err
}

// respond answers a challenge. It goes to the emulator itself: through the triggers, the
// person would have signed in twice.
func (p *Pages) respond(ctx context.Context, step secondStep, challenge string, answers map[string]string) (accessToken string, err error) {
	client := step.session.request.client
	responses := map[string]string{"USERNAME": step.user}
	if client.Secret != "" {
		responses["SECRET_HASH"] = client.SecretHash(step.user)
	}
	maps.Copy(responses, answers)
	var out struct {
		AuthenticationResult struct{ AccessToken string }
	}
	err = p.up.Directory(ctx, "RespondToAuthChallenge", map[string]any{
		"ClientId": client.ID, "ChallengeName": challenge, "ChallengeResponses": responses,
	}, &out)
	return out.AuthenticationResult.AccessToken, err
}

// check is the judgement of a code. The error is an *upstream.CognitoError unless the
// emulator could not be asked.
func (p *Pages) check(ctx context.Context, step secondStep, code string) error {
	var err error
	if step.path == registerPath {
		err = p.up.Directory(ctx, "VerifySoftwareToken", map[string]any{"AccessToken": step.accessToken, "UserCode": code}, nil)
	} else {
		_, err = p.respond(ctx, step, softwareToken, map[string]string{"SOFTWARE_TOKEN_MFA_CODE": code})
	}
	var api *upstream.APIError
	if errors.As(err, &api) && api.Status < http.StatusInternalServerError {
		return upstream.Refuse(api.Code, api.Message)
	}
	return err
}

// stepOf finds the sign-in that a page belongs to, if it got so far in this browser and not
// long ago. If it did not, stepOf answers.
func (p *Pages) stepOf(w http.ResponseWriter, r *http.Request, given url.Values, req appRequest) (id string, step secondStep, ok bool) {
	id = given.Get(flowField)
	step, ok = p.steps.get(id)
	if ok && step.session.browser != "" && step.session.browser == browser(r) && step.path == r.URL.Path && time.Now().Before(step.until) {
		return id, step, true
	}
	w.Header().Set(upstream.NoteProblem, "NotAuthorizedException: Invalid session for the user, session is expired.")
	p.showPage(w, r, http.StatusBadRequest, Page{
		Title: "Please sign in again", Problem: "This took too long, or was already done.",
		Links: []Link{{Text: "Start again", URL: req.path("/login")}},
	})
	return "", secondStep{}, false
}

func (p *Pages) secondFactorPage(w http.ResponseWriter, r *http.Request) {
	given, ok := p.query(w, r)
	if !ok {
		return
	}
	req, ok := p.appRequest(w, r, given)
	if !ok {
		return
	}
	if id, step, ok := p.stepOf(w, r, given, req); ok {
		p.showStep(w, r, http.StatusOK, id, step, "")
	}
}

// secondFactorPosted releases the redirect with the code for the app if the factor's code is
// right.
func (p *Pages) secondFactorPosted(w http.ResponseWriter, r *http.Request) {
	form, req, ok := p.appForm(w, r)
	if !ok {
		return
	}
	id, step, ok := p.stepOf(w, r, form, req)
	if !ok {
		return
	}
	ctx := context.WithoutCancel(r.Context())
	step.session.request.note(w, step.session.name)
	err := p.check(ctx, step, codeForm{Values: form}.code())
	if err == nil {
		p.steps.drop(id)
		p.signedIn(ctx, w, r, step.session, step.reply)
		return
	}
	p.logUnlessCognito(ctx, "second factor", err)
	problem := unavailable
	if failure := (*upstream.CognitoError)(nil); errors.As(err, &failure) {
		problem = wrongTOTP
		w.Header().Set(upstream.NoteProblem, failure.Error())
	}
	p.showStep(w, r, http.StatusBadRequest, id, step, problem)
}

// showStep shows the page of a step, with the key while an authenticator is set up.
func (p *Pages) showStep(w http.ResponseWriter, r *http.Request, status int, id string, step secondStep, problem string) {
	req := step.session.request
	page := Page{
		Title: "Enter your code", Lead: "Your account has a second factor. Type the code that your authenticator app shows now.",
		Problem: problem, Action: step.path, GoesTo: req.values.Get("redirect_uri"),
		Hidden:  append(req.hidden(), Hidden{Name: flowField, Value: id}),
		Fields:  []Field{codeField()},
		Buttons: []Button{{Text: "Sign in"}},
		Links:   []Link{{Text: "Start again", URL: req.path("/login")}},
	}
	if step.path == registerPath {
		page.Title, page.Lead = "Set up a second factor", "People sign in here with a password and a code from an authenticator app."
		page.Buttons[0].Text = "Finish"
		var err error
		if page.SetUp, err = newSetUp(p.templates.Name, step.session.name, step.key); err != nil {
			p.logError(r.Context(), "QR code", err) // the key can be typed
		}
	}
	if problem == wrongTOTP {
		page = page.marked("code")
	}
	p.showPage(w, r, status, page)
}
