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

// mailed looks for a mail to an address, as a person does on the page.
func (s *system) mailed(t *testing.T, address, language, heading, value string) {
	t.Helper()
	for _, letter := range s.letters(t, address) {
		if strings.Contains(letter, `<html lang="`+language+`"`) && strings.Contains(letter, heading+"</h1>") && strings.Contains(letter, ">"+value+"</p>") {
			return
		}
	}
	t.Errorf("no mail to %s in %s with %q and %q", address, language, heading, value)
}

// letters are the HTML mails to an address, the newest first.
func (s *system) letters(t *testing.T, address string) []string {
	t.Helper()
	var out []string
	for _, article := range strings.Split(s.mailbox(t, "?width=phone"), "</article>") {
		frame := regexp.MustCompile(`<iframe class="letter phone" sandbox title="[^"]*" src="/_gatehouse/mail(\?message=[^"]+)">`).FindStringSubmatch(article)
		if frame != nil && strings.Contains(article, "<p class=\"small\">To "+html.EscapeString(address)+",") {
			out = append(out, s.mailbox(t, html.UnescapeString(frame[1])))
		}
	}
	return out
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
