package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/internal/trace"
)

// act is one step of the story.
type act struct {
	name  string // in the summary
	title string
	// does it and says, a line each, what whoever did it saw.
	does func(context.Context, *cast) ([]string, error)
	// causes lists what has to come out of it.
	causes []effect
}

// effect is an event and the metric that counts it. Each has an audit row.
type effect struct {
	event, metric string
	// of tells whether an event of that type is the one that this act caused.
	of func(*cast, event.Event) bool
}

func acts() []act {
	return []act{
		{
			name: "refused", title: "Erika tries to sign up with a disposable address",
			does:   refused,
			causes: []effect{{contracts.TypeSignupRejected, "SignUpsRejected", ofDisposable}},
		},
		{
			name: "sign-up", title: "She signs up with her own address",
			does:   signsUp,
			causes: []effect{{contracts.TypeSignupAllowed, "SignUpsAllowed", ofPerson}},
		},
		{
			name: "confirm", title: "She types the code from her mail",
			does:   confirms,
			causes: []effect{{contracts.TypeUserCreated, "UsersCreated", ofPerson}},
		},
		{
			name: "mistype", title: "She mistypes her password",
			does:   mistypes,
			causes: []effect{{contracts.TypeSigninAttempted, "SignInsAttempted", ofPerson}},
		},
		{
			name: "sign-in", title: "She signs in",
			does: signsIn,
			causes: []effect{
				{contracts.TypeSigninAttempted, "SignInsAttempted", ofPerson},
				{contracts.TypeSigninSucceeded, "SignInsSucceeded", ofPerson},
			},
		},
		{
			name: "api", title: "A guest, she and a machine call the API",
			does: callsAPI,
		},
		{
			name: "guest", title: "A guest's app sends an event with temporary credentials",
			does:   guestSends,
			causes: []effect{{contracts.TypeAppEvent, "AppEvents", ofGuest}},
		},
		{
			name: "activity", title: "She looks at her own activity, and that call at its trace",
			does: looksAtActivity,
		},
	}
}

func ofDisposable(c *cast, ev event.Event) bool { return c.disposable.caused(ev) }

func ofPerson(c *cast, ev event.Event) bool { return c.person.caused(ev) }

func refused(ctx context.Context, c *cast) ([]string, error) {
	p := c.disposable
	err := p.signUp(ctx)
	var refusal *types.UserLambdaValidationException
	switch {
	case errors.As(err, &refusal):
		return says("%s is refused. She reads: %q", p.email, refusal.ErrorMessage()), nil
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("%s was not refused; is signup-guard's trigger on?", p.email)
}

func signsUp(ctx context.Context, c *cast) ([]string, error) {
	if err := c.person.signUp(ctx); err != nil {
		return nil, err
	}
	return says("%s is accepted; Cognito gives her the sub %s", c.person.email, c.person.sub), nil
}

func confirms(ctx context.Context, c *cast) ([]string, error) {
	if err := c.person.confirm(ctx); err != nil {
		return nil, err
	}
	return says("The code is %s (it is always this one: no mail leaves your machine). Now she has an account.", code), nil
}

func mistypes(ctx context.Context, c *cast) ([]string, error) {
	_, err := c.person.signIn(ctx, wrong)
	var refusal *types.NotAuthorizedException
	switch {
	case errors.As(err, &refusal):
		return says("She reads: %q. An attempt without a success: that is all a trigger learns.", refusal.ErrorMessage()), nil
	case err != nil:
		return nil, err
	}
	return nil, errors.New("the wrong password was accepted")
}

func signsIn(ctx context.Context, c *cast) ([]string, error) {
	tokens, err := c.person.signIn(ctx, right)
	if err != nil {
		return nil, err
	}
	return says("She gets an ID token, an access token and a refresh token; they are good for %d minutes, the last for longer.",
		tokens.ExpiresIn/60), nil
}

// callsAPI is four calls: each door with what opens it, and one without.
func callsAPI(ctx context.Context, c *cast) ([]string, error) {
	machine, err := c.machine.token(ctx)
	if err != nil {
		return nil, err
	}
	var said []string
	for _, call := range []struct {
		what, path, token string
		status            int
	}{
		{"a guest, without a token", "/guest", "", 200},
		{"a guest, where users belong", "/user", "", 401},
		{"she, with her ID token", "/user", c.person.idToken, 200},
		{"a machine, with its access token", "/client", machine, 200},
		{"she, where machines belong", "/client", c.person.idToken, 401},
	} {
		answer, err := c.api.get(ctx, call.path, call.token)
		if err != nil {
			return nil, err
		}
		if answer.status != call.status {
			return nil, fmt.Errorf("GET %s as %s answered %d and not %d: %s", call.path, call.what, answer.status, call.status, answer.body)
		}
		said = append(said, fmt.Sprintf("%d  GET %-9s %s", answer.status, call.path, call.what))
	}
	return said, nil
}

// looksAtActivity reads her rows by the API, and then how that call went.
func looksAtActivity(ctx context.Context, c *cast) ([]string, error) {
	answer, err := c.api.get(ctx, "/activity", c.person.idToken)
	if err != nil {
		return nil, err
	}
	var page struct {
		Items []struct{ Time, Type string }
	}
	if err := json.Unmarshal(answer.body, &page); err != nil || answer.status != 200 {
		return nil, fmt.Errorf("GET /activity answered %d: %s", answer.status, answer.body)
	}
	if len(page.Items) == 0 {
		return nil, errors.New("GET /activity knows nothing of her")
	}
	said := []string{"200  GET /activity  newest first, and nobody else's:"}
	for _, item := range page.Items {
		said = append(said, fmt.Sprintf("  %s  %s", item.Time, item.Type))
	}
	id, err := trace.ID(answer.trace)
	if err != nil {
		return nil, fmt.Errorf("the answer of GET /activity: %w", err)
	}
	tree, err := c.traces.show(ctx, id)
	if err != nil {
		return nil, err
	}
	return append(append(said, "The trace of this call:"), strings.Split(strings.TrimSpace(tree), "\n")...), nil
}

func says(format string, args ...any) []string { return []string{fmt.Sprintf(format, args...)} }
