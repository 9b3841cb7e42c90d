package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/contracts"
)

// act is one step of the story.
type act struct {
	name  string // in the summary
	title string
	by    func(cast) *person
	// does it and says what the person saw.
	does func(context.Context, *person) (string, error)
	// causes lists what has to come out of it.
	causes []effect
}

// effect is an event and the metric that counts it. Each has an audit row.
type effect struct{ event, metric string }

func acts() []act {
	return []act{
		{
			name: "refused", title: "Erika tries to sign up with a disposable address",
			by:     func(c cast) *person { return c.disposable },
			does:   refused,
			causes: []effect{{contracts.TypeSignupRejected, "SignUpsRejected"}},
		},
		{
			name: "sign-up", title: "She signs up with her own address",
			by:     func(c cast) *person { return c.person },
			does:   signsUp,
			causes: []effect{{contracts.TypeSignupAllowed, "SignUpsAllowed"}},
		},
		{
			name: "confirm", title: "She types the code from her mail",
			by:     func(c cast) *person { return c.person },
			does:   confirms,
			causes: []effect{{contracts.TypeUserCreated, "UsersCreated"}},
		},
		{
			name: "mistype", title: "She mistypes her password",
			by:     func(c cast) *person { return c.person },
			does:   mistypes,
			causes: []effect{{contracts.TypeSigninAttempted, "SignInsAttempted"}},
		},
		{
			name: "sign-in", title: "She signs in",
			by:   func(c cast) *person { return c.person },
			does: signsIn,
			causes: []effect{
				{contracts.TypeSigninAttempted, "SignInsAttempted"},
				{contracts.TypeSigninSucceeded, "SignInsSucceeded"},
			},
		},
	}
}

func refused(ctx context.Context, p *person) (string, error) {
	err := p.signUp(ctx)
	var refusal *types.UserLambdaValidationException
	switch {
	case errors.As(err, &refusal):
		return fmt.Sprintf("%s is refused. She reads: %q", p.email, refusal.ErrorMessage()), nil
	case err != nil:
		return "", err
	}
	return "", fmt.Errorf("%s was not refused; is signup-guard's trigger on?", p.email)
}

func signsUp(ctx context.Context, p *person) (string, error) {
	if err := p.signUp(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is accepted; Cognito gives her the sub %s", p.email, p.sub), nil
}

func confirms(ctx context.Context, p *person) (string, error) {
	if err := p.confirm(ctx); err != nil {
		return "", err
	}
	return "The code is " + code + " (it is always this one: no mail leaves your machine). Now she has an account.", nil
}

func mistypes(ctx context.Context, p *person) (string, error) {
	_, err := p.signIn(ctx, wrong)
	var refusal *types.NotAuthorizedException
	switch {
	case errors.As(err, &refusal):
		return fmt.Sprintf("She reads: %q. An attempt without a success: that is all a trigger learns.", refusal.ErrorMessage()), nil
	case err != nil:
		return "", err
	}
	return "", errors.New("the wrong password was accepted")
}

func signsIn(ctx context.Context, p *person) (string, error) {
	tokens, err := p.signIn(ctx, right)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("She gets an ID token, an access token and a refresh token; they are good for %d minutes, the last for longer.",
		tokens.ExpiresIn/60), nil
}
