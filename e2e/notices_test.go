package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
)

// TestNotices: who signs up gets a welcome in their language, once. A changed password gives
// one notice although its event comes three times, and a new device gives another one.
func TestNotices(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.newPerson(t)
	p.signUp(t)
	must(p.c.cognito.AdminUpdateUserAttributes(t.Context(), &cognito.AdminUpdateUserAttributesInput{
		UserPoolId: s.pool(), Username: &p.Email, UserAttributes: []types.AttributeType{{Name: aws.String("locale"), Value: aws.String("de-AT")}},
	}))(t)
	p.confirm(t)
	noticed := func(heading string) (n int) {
		for _, letter := range s.letters(t, p.Email) {
			if strings.Contains(letter, `<html lang="de"`) && strings.Contains(letter, heading+"</h1>") {
				n++
			}
		}
		return n
	}
	eventually(t, "the welcome", func() bool { return noticed("Willkommen bei Gatehouse") == 1 })
	p.signIn(t)
	must(p.c.cognito.ChangePassword(t.Context(), &cognito.ChangePasswordInput{
		AccessToken: &p.AccessToken, PreviousPassword: aws.String(password), ProposedPassword: aws.String("Another-horse-8-battery"),
	}))(t)
	const changed = "Ihr Passwort wurde geändert"
	eventually(t, "the notice of the password", func() bool { return noticed(changed) == 1 })
	for _, copied := range inbox.wait(t, 1, of(contracts.TypePasswordChanged, p.Sub)) {
		for range 2 {
			must(p.c.sns.Publish(t.Context(), publish.Message(s.env["TOPIC_ARN"], copied.Event, copied.Body)))(t)
		}
		act := contracts.Act{ID: uuid.NewString(), PoolARN: copied.Event.Source(), Subject: p.Sub, Time: copied.Event.Time()}
		ev := must(contracts.NewSigninSucceeded(act, contracts.SigninSucceeded{NewDevice: true}))(t)
		must(p.c.sns.Publish(t.Context(), publish.Message(s.env["TOPIC_ARN"], ev, string(must(contracts.Encode(ev))(t)))))(t)
	}
	eventually(t, "the notice of the device", func() bool { return noticed("Anmeldung mit einem neuen Gerät") == 1 })
	eventually(t, "no copy in the queue", func() bool { return s.depth(t, s.queue(t, "messages-notices")) == 0 })
	if n := noticed(changed); n != 1 {
		t.Errorf("%d notices of the password", n)
	}
	if n := noticed("Willkommen bei Gatehouse"); n != 1 {
		t.Errorf("%d welcomes", n)
	}
}
