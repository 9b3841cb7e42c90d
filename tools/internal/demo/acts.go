package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/trace"
)

// act is one step of the story.
type act struct {
	name  string // in the summary
	title string
	// does it and returns, one per line, what the actor saw.
	does func(context.Context, *cast) ([]string, error)
	// causes lists what it has to cause.
	causes []effect
}

// effect is an event and the metric that counts it. Each has an audit row.
type effect struct {
	event, metric string
	// of reports whether an event of that type is the one that this act caused.
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
			name: "confirm", title: "She enters the code from her mail",
			does:   confirms,
			causes: []effect{{contracts.TypeUserCreated, "UsersCreated", ofPerson}},
		},
		{
			name: "mistype", title: "She mistypes her password",
			does: mistypes,
			causes: []effect{
				{contracts.TypeSigninAttempted, "SignInsAttempted", ofPerson},
				{contracts.TypeSigninFailed, "SignInsFailed", ofPerson},
			},
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
			name: "activity", title: "She reads her own activity, and the trace of that call is shown",
			does: looksAtActivity,
		},
		{
			name: "deletion", title: "An administrator deletes her account",
			does:   isDeleted,
			causes: []effect{{contracts.TypeUserDeleted, "UsersDeleted", ofPerson}},
		},
	}
}

func ofDisposable(c *cast, ev event.Event) bool { return c.disposable.Caused(ev) }

func ofPerson(c *cast, ev event.Event) bool { return c.person.Caused(ev) }

func refused(ctx context.Context, c *cast) ([]string, error) {
	p := c.disposable
	err := p.SignUp(ctx)
	switch text := actors.Refusal(err); {
	case text != "":
		return lines("%s is refused. She reads: %q", p.Email, text), nil
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("%s was not refused; is signup-guard's trigger on?", p.Email)
}

func signsUp(ctx context.Context, c *cast) ([]string, error) {
	if err := c.person.SignUp(ctx); err != nil {
		return nil, err
	}
	return lines("%s is accepted. Cognito gives her the sub %s", c.person.Email, c.person.Sub), nil
}

func confirms(ctx context.Context, c *cast) ([]string, error) {
	if err := c.person.Confirm(ctx, code); err != nil {
		return nil, err
	}
	return lines("The code is %s (always: no mail leaves your machine). Now she has an account.", code), nil
}

func mistypes(ctx context.Context, c *cast) ([]string, error) {
	text, err := c.person.WrongPassword(ctx, c.person.SignInByPassword)
	if err != nil {
		return nil, err
	}
	return append(lines("She reads: %q. A trigger learns of an attempt, and of nothing more.", text),
		"The reason comes from CloudTrail's record: here at once, on AWS minutes later."), nil
}

func isDeleted(ctx context.Context, c *cast) ([]string, error) {
	if err := c.person.Delete(ctx); err != nil {
		return nil, err
	}
	return []string{"No trigger reports it. CloudTrail's record says who did it: here the root user, on AWS a role."}, nil
}

func signsIn(ctx context.Context, c *cast) ([]string, error) {
	if err := c.person.SignInByPassword(ctx, right); err != nil {
		return nil, err
	}
	return lines("She gets an ID token and an access token, valid for %d minutes, and a refresh token, valid for longer.",
		c.person.ExpiresIn/60), nil
}

// callsAPI calls each route with the token that it accepts, and two with another or none.
func callsAPI(ctx context.Context, c *cast) ([]string, error) {
	machine, err := c.machine.Token(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, call := range []struct {
		what, path, token string
		status            int
	}{
		{"a guest, without a token", "/guest", "", 200},
		{"a guest, on a route for users", "/user", "", 401},
		{"she, with her ID token", "/user", c.person.IDToken, 200},
		{"a machine, with its access token", "/client", machine.AccessToken, 200},
		{"she, on a route for machines", "/client", c.person.IDToken, 401},
	} {
		answer, err := c.api.Get(ctx, call.path, call.token)
		if err != nil {
			return nil, err
		}
		if answer.Status != call.status {
			return nil, fmt.Errorf("GET %s as %s answered %d and not %d: %s", call.path, call.what, answer.Status, call.status, answer.Body)
		}
		out = append(out, fmt.Sprintf("%d  GET %-9s %s", answer.Status, call.path, call.what))
	}
	return out, nil
}

// looksAtActivity reads her rows by the API, and then how that call went.
func looksAtActivity(ctx context.Context, c *cast) ([]string, error) {
	answer, err := c.api.Get(ctx, "/activity", c.person.IDToken)
	if err != nil {
		return nil, err
	}
	var page struct {
		Items []struct{ Time, Type string }
	}
	if err := json.Unmarshal(answer.Body, &page); err != nil || answer.Status != 200 {
		return nil, fmt.Errorf("GET /activity answered %d: %s", answer.Status, answer.Body)
	}
	if len(page.Items) == 0 {
		return nil, errors.New("GET /activity has none of her events")
	}
	out := []string{"200  GET /activity  newest first, her own events only:"}
	for _, item := range page.Items {
		out = append(out, fmt.Sprintf("  %s  %s", item.Time, item.Type))
	}
	id, err := trace.ID(answer.Header.Get(actors.TraceHeader))
	if err != nil {
		return nil, fmt.Errorf("the answer of GET /activity: %w", err)
	}
	tree, err := c.traces.show(ctx, id)
	if err != nil {
		return nil, err
	}
	return append(append(out, "The trace of this call:"), strings.Split(strings.TrimSpace(tree), "\n")...), nil
}

// guestSends uses a guest's credentials where they are allowed, and where not.
func guestSends(ctx context.Context, c *cast) ([]string, error) {
	g := c.guest
	cfg, err := g.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	message, err := json.Marshal(map[string]any{"name": g.event, "data": map[string]any{"screen": "welcome", "visits": 1}})
	if err != nil {
		return nil, fmt.Errorf("json.Marshal: %w", err)
	}
	if _, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &g.queueURL, MessageBody: aws.String(string(message)),
	}); err != nil {
		return nil, fmt.Errorf("sqs.SendMessage: %w", err)
	}
	_, err = sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: &g.topicARN, Message: aws.String("{}")})
	if err == nil {
		return nil, errors.New("a guest's credentials may publish to the topic itself")
	}
	var refusal smithy.APIError
	if !errors.As(err, &refusal) || !slices.Contains(denials, refusal.ErrorCode()) {
		return nil, fmt.Errorf("sns.Publish: %w", err)
	}
	return []string{
		"The identity pool gives every app credentials for one queue. The app sends " + string(message),
		"With the same credentials, the topic itself answers: " + refusal.ErrorCode(),
	}, nil
}

// denials are the error codes with which services report that IAM denied a call.
var denials = []string{"AccessDenied", "AccessDeniedException", "AuthorizationError"}

// ofGuest recognises the guest's event by its name.
func ofGuest(c *cast, ev event.Event) bool {
	var data struct{ Name string }
	return json.Unmarshal(ev.Data(), &data) == nil && data.Name == c.guest.event
}

func lines(format string, args ...any) []string { return []string{fmt.Sprintf(format, args...)} }
