package e2e

import (
	"cmp"
	"errors"
	"html"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
)

// signInLetter waits for a mail with this subject, other than the ones before, and returns its
// link and its code.
func (s *system) signInLetter(t *testing.T, address string, before ...string) (link, code string) {
	t.Helper()
	inMail := regexp.MustCompile(`<p>(http://127\.0\.0\.1:\d+/app/signin#signin=[\w-]+)</p>`)
	codeInMail := regexp.MustCompile(`<p>[^<]*?([0-9]{4} [0-9]{4})</p>`)
	eventually(t, "a mail to sign in with", func() bool {
		_, after, _ := strings.Cut(s.mailbox(t, ""), `<p class="small">To `+html.EscapeString(address)+",")
		article, _, _ := strings.Cut(after, "</article>")
		a, b := inMail.FindStringSubmatch(article), codeInMail.FindStringSubmatch(article)
		if a == nil || b == nil || slices.Contains(before, a[1]) {
			return false
		}
		link, code = a[1], b[1]
		return true
	})
	return link, code
}

// TestBrowserSignInByMail is the way of a person who signs in by mail in Chromium: with the
// link, and with the code. What a scanner, another browser and a second use do is shown, too.
func TestBrowserSignInByMail(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.member(t)
	page := s.env["AWS_ENDPOINT_URL"] + "/app/signin"
	w := openWindow(t, 390, 800)
	ask := func(w window, address string) {
		t.Helper()
		w.must(w.Visit(page), w.Heading("Sign in by mail"), w.HasFocus("Email"), w.Type(address), w.Enter(), w.Heading("Look into your mailbox"))
	}
	// A person comes from the mailbox: the link opens a page of its own.
	open := func(w window, link string) {
		t.Helper()
		w.must(w.Visit(s.env["HOSTED_UI_URL"]+"/_gatehouse/mail"), w.Heading("Mailbox"), w.Visit(link))
	}
	ask(w, p.Email)
	link, code := s.signInLetter(t, p.Email)
	for range 2 { // a scanner
		r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil))(t)
		out := must(http.DefaultClient.Do(r))(t)
		if out.StatusCode != http.StatusOK {
			t.Errorf("the link's page answers %d", out.StatusCode)
		}
		_ = out.Body.Close()
	}
	other := openWindow(t, 390, 800)
	open(other, link)
	other.must(other.Says("This link works in the browser in which you asked for the mail."))
	ask(other, "nobody-"+uuid.NewString()[:8]+"@gatehouse.example")
	open(other, link)
	other.must(other.Says("This code or link is not right"))

	open(w, link)
	w.must(w.Heading("You are signed in"), w.Says(p.Sub))
	inbox.wait(t, 1, of(contracts.TypeChallengeSent, p.Sub))
	inbox.wait(t, 1, of(contracts.TypeChallengePassed, p.Sub))
	inbox.wait(t, 1, of(contracts.TypeSigninSucceeded, p.Sub))
	inbox.wait(t, 1, of(contracts.TypeChallengeFailed, ""))

	// The link and the code of the first mail do not answer another sign-in.
	w.must(w.Click("Sign out"))
	ask(w, p.Email)
	open(w, link)
	w.must(w.Says("This code or link is not right"))
	w.must(w.Fill("Code from the mail", code), w.Enter(), w.Says("This code or link is not right"))
	_, code = s.signInLetter(t, p.Email, link)
	w.must(w.Fill("Code from the mail", code), w.Enter(), w.Heading("You are signed in"), w.Says(p.Sub))
	s.barrier(t, inbox)
	exactly(t, inbox, 2, of(contracts.TypeChallengePassed, p.Sub))
	exactly(t, inbox, 2, of(contracts.TypeChallengeFailed, p.Sub))
}

// asksAndFails asks for a mail, answers wrongly, and returns what Cognito answered.
func (p *person) asksAndFails(t *testing.T, name string) (string, error) {
	out, err := p.c.cognito.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: &p.ClientID, AuthFlow: types.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": name},
	})
	if err != nil {
		return "", err
	}
	next, err := p.c.cognito.RespondToAuthChallenge(t.Context(), &cognito.RespondToAuthChallengeInput{
		ClientId: &p.ClientID, ChallengeName: out.ChallengeName, Session: out.Session,
		ChallengeResponses: map[string]string{"USERNAME": name, "ANSWER": "wrong"},
	})
	if err != nil {
		return "", err
	}
	return string(out.ChallengeName) + " " + out.ChallengeParameters["delivery"] + " " + string(next.ChallengeName) + " " + strconv.Itoa(len(aws.ToString(next.Session))), nil
}

// TestSignInByMailTellsNothing: somebody who exists and somebody who does not get the same
// answers in the same time. TRIES is how often it asks.
func TestSignInByMailTellsNothing(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	tries, _ := strconv.Atoi(cmp.Or(os.Getenv("TRIES"), "5"))
	took := map[bool][]time.Duration{}
	answers := map[bool]map[string]int{true: {}, false: {}}
	for range tries {
		for _, exists := range []bool{true, false} {
			name := p.Email
			if !exists {
				name = "nobody-" + uuid.NewString()[:8] + "@gatehouse.example"
			}
			eventually(t, "an answer that the trigger had the time for", func() bool {
				began := time.Now()
				answer, err := p.asksAndFails(t, name)
				if busy := new(types.InvalidLambdaResponseException); errors.As(err, &busy) {
					return false
				}
				check(t, err)
				took[exists] = append(took[exists], time.Since(began))
				answers[exists][answer]++
				return true
			})
		}
	}
	for _, exists := range []bool{true, false} {
		slices.Sort(took[exists])
		t.Logf("exists %t: median %v, fastest %v, slowest %v, answers %v", exists, took[exists][tries/2], took[exists][0], took[exists][tries-1], answers[exists])
	}
	if len(answers[true]) != 1 || len(answers[false]) != 1 {
		t.Errorf("answers %v", answers)
	}
	for answer := range answers[true] {
		if answers[false][answer] != tries {
			t.Errorf("answers differ: %v", answers)
		}
	}
}
