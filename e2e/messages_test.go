package e2e

import (
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// TestMailsInTheReadersLanguage: who signs up in German gets a German mail, with the code in
// it, in the mailbox of the local system. So do people who ask for another code, forgot their
// password, change their address, or are invited.
func TestMailsInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.newPerson(t)
	german := map[string]string{"locale": "de-DE", "secret": p.Metadata["secret"]}
	p.Metadata = german
	p.signUp(t)
	s.mailed(t, p.Email, "de", "Bestätigen Sie Ihre E-Mail-Adresse", signUpCode)
	must(p.c.cognito.ResendConfirmationCode(t.Context(), &cognito.ResendConfirmationCodeInput{
		ClientId: &p.ClientID, Username: &p.Email, ClientMetadata: map[string]string{"lang": "fr"},
	}))(t)
	s.mailed(t, p.Email, "fr", "Votre nouveau code de confirmation", signUpCode)
	p.confirm(t)
	must(p.c.cognito.ForgotPassword(t.Context(), &cognito.ForgotPasswordInput{ClientId: &p.ClientID, Username: &p.Email}))(t)
	s.mailed(t, p.Email, "en", "Set a new password", resetCode)
	p.signIn(t)
	changed := "neu." + p.Email
	must(p.c.cognito.UpdateUserAttributes(t.Context(), &cognito.UpdateUserAttributesInput{
		AccessToken: &p.AccessToken, ClientMetadata: german, UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &changed}},
	}))(t)
	s.mailed(t, changed, "de", "Bestätigen Sie die Änderung Ihres Kontos", signUpCode)
	guest := "gast." + p.Email
	must(p.c.cognito.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{
		UserPoolId: s.pool(), Username: &guest, TemporaryPassword: aws.String("Vorlaeufig-12345"), DesiredDeliveryMediums: []types.DeliveryMediumType{types.DeliveryMediumTypeEmail},
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &guest}, {Name: aws.String("locale"), Value: aws.String("de")}},
	}))(t)
	s.mailed(t, guest, "de", "Ihr Konto ist bereit", "Vorlaeufig-12345")
}

// mailed looks for the newest mail to an address, as a person does on the page.
func (s *system) mailed(t *testing.T, address, language, heading, code string) {
	t.Helper()
	page := s.mailbox(t, "?width=phone")
	_, after, found := strings.Cut(page, "<p class=\"small\">To "+html.EscapeString(address)+",")
	article, _, _ := strings.Cut(after, "</article>")
	frame := regexp.MustCompile(`<iframe class="letter phone" sandbox title="[^"]*" src="/_gatehouse/mail(\?message=[^"]+)">`).FindStringSubmatch(article)
	if !found || frame == nil {
		t.Fatalf("no HTML mail to %s in the mailbox: %s", address, article)
	}
	letter := s.mailbox(t, html.UnescapeString(frame[1]))
	for _, want := range []string{`<html lang="` + language + `"`, heading + "</h1>", ">" + code + "</p>"} {
		if !strings.Contains(letter, want) {
			t.Errorf("mail to %s has no %s: %s", address, want, letter)
		}
	}
}

// mailbox reads the page of the mails.
func (s *system) mailbox(t *testing.T, query string) string {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.env["HOSTED_UI_URL"]+"/_gatehouse/mail"+query, nil))(t)
	out := must(http.DefaultClient.Do(r))(t)
	defer out.Body.Close()
	body := must(io.ReadAll(out.Body))(t)
	if out.StatusCode != http.StatusOK {
		t.Fatalf("mailbox: %d %s", out.StatusCode, body)
	}
	return string(body)
}
