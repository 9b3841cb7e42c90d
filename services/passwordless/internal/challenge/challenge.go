// Package challenge signs people in without a password: it is the three triggers of
// Cognito's custom challenges. Create draws a code and a link for one sign-in and hands both
// to the sender; Verify compares the answer; Define says what follows.
//
// A stranger must not learn who has an account. So every branch that depends on the user
// makes the same calls and gives the same answer: an unknown user gets a challenge that
// nothing passes. Mail is sent later, by another function.
//
// Nothing of a call is logged. A call that cannot be handled is refused, because letting
// somebody in would be worse.
package challenge

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
	"gatehouse.example/services/passwordless/internal/letter"
)

const (
	// Answers is how many answers a challenge takes. Cognito ends a session after three, too
	// (https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-custom-authentication.html).
	Answers = 3
	// work bounds the calls of one invocation, without the event. What Cognito waits for is
	// below five seconds: this, [publish.Budget] and the rest of the work.
	work = 1200 * time.Millisecond
)

// unavailable is what a person sees if the service does not work. It is the same for people
// with and without an account.
var unavailable = trigger.Refusal{Code: "unavailable", Text: "Sign-in by mail does not work at the moment. Please try again later."}

// Vault seals and opens letters.
type Vault interface {
	Seal(ctx context.Context, id string, l letter.Letter) ([]byte, error)
	Open(ctx context.Context, id string, sealed []byte) (letter.Letter, error)
}

// Publisher sends events to the topic.
type Publisher interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// Handler is a lambda.Handler, because it must see and return raw bytes.
type Handler struct {
	Store     *Store
	Vault     Vault
	Names     *Names
	Outgoing  *Outgoing
	Publisher Publisher
	Limits    Limits
	// Valid is how long a code and a link can be used.
	Valid time.Duration
	Log   *slog.Logger
	Now   func() time.Time
}

// Invoke answers one call of Cognito.
func (h *Handler) Invoke(ctx context.Context, raw []byte) ([]byte, error) {
	call, err := trigger.Read(ctx, raw, h.Now())
	if err == nil {
		var p payload
		if p, err = parse(raw); err == nil {
			var answer []byte
			if answer, err = h.answer(ctx, call, p); err == nil {
				return answer, nil
			}
		}
	}
	h.Log.ErrorContext(ctx, "refused", "source", source(call.Source), "error", err.Error())
	return nil, unavailable
}

// source is a trigger source as it may be logged.
func source(s string) string {
	switch s {
	case define, create, verify:
		return s
	}
	return "other"
}

func (h *Handler) answer(ctx context.Context, call trigger.Call, p payload) ([]byte, error) {
	switch call.Source {
	case define:
		return p.respond(next(call, p))
	case create:
		id, err := h.create(ctx, call, p)
		if err != nil {
			return nil, err
		}
		return p.respond(map[string]any{
			// The same for everybody: an address, even a masked one, would say who has an account.
			"publicChallengeParameters":  map[string]string{"delivery": "email", "digits": fmt.Sprint(digits)},
			"privateChallengeParameters": map[string]string{idKey: id},
			"challengeMetadata":          id,
		})
	case verify:
		passed, err := h.verify(ctx, call, p)
		if err != nil {
			return nil, err
		}
		return p.respond(map[string]any{"answerCorrect": passed})
	}
	return nil, errors.New("challenge: not a trigger source of a challenge")
}

// next says what follows in a sign-in. Only challenges of this package may be in its history:
// an app that begins with SRP wants a password and a code, which this is not.
func next(call trigger.Call, p payload) map[string]any {
	issue, fail := false, p.unreadable || len(p.rounds) > Answers
	for _, r := range p.rounds {
		fail = fail || r.Name != custom
	}
	if n := len(p.rounds); n > 0 && !fail {
		issue = p.rounds[n-1].Result && !call.UserNotFound
		fail = !issue && n >= Answers
	}
	out := map[string]any{"issueTokens": issue, "failAuthentication": fail, "challengeName": nil}
	if !issue && !fail {
		out["challengeName"] = custom
	}
	return out
}

// create begins a challenge and returns its id. After a wrong answer it continues the one
// that there is: no second mail is sent for a sign-in.
func (h *Handler) create(ctx context.Context, call trigger.Call, p payload) (string, error) {
	if n := len(p.rounds); n > 0 {
		return p.rounds[n-1].Metadata, nil
	}
	ctx, cancel := context.WithTimeout(ctx, work)
	defer cancel()
	name, err := h.Names.Hidden(ctx, identity(call), h.Now())
	if err != nil {
		return "", err
	}
	now := h.Now()
	tooMany, err := h.Store.Exceeded(ctx, h.Limits, name, call.Act.ClientID, now)
	if err != nil {
		return "", err
	}
	id, l := draw(), letterFor(call, tooMany)
	sealed, err := h.Vault.Seal(ctx, id, l)
	if err != nil {
		return "", fmt.Errorf("vault.Seal: %w", err)
	}
	e := letter.Envelope{ID: id, ExpiresAt: now.Add(h.Valid).Unix(), Sealed: sealed}
	if err := h.Store.Begin(ctx, e); err != nil {
		return "", err
	}
	return id, h.Outgoing.Send(ctx, e)
}

// identity is what requests are limited by: the user, or what was typed.
func identity(call trigger.Call) string {
	if s := call.Act.Subject; s != "" && !call.UserNotFound {
		return s
	}
	return strings.ToLower(call.UserName)
}

// letterFor draws the secret of a sign-in. Why it cannot be passed is in the letter, so that
// neither its existence nor its size in the queue says more than the key's holder may know.
func letterFor(call trigger.Call, tooMany string) letter.Letter {
	l := letter.Letter{
		Code: drawCode(), Token: draw() + draw(), PoolARN: call.Act.PoolARN, ClientID: call.Act.ClientID,
		Subject: call.Act.Subject, Synthetic: call.Act.Synthetic, Language: call.Attributes["locale"],
	}
	address, provable := call.Attributes["email"], reachable(call)
	switch {
	case call.UserNotFound || call.Act.Subject == "":
		l.Why, l.Subject = contracts.ChallengeUnknownUser, ""
	case !provable:
		l.Why = contracts.ChallengeNoAddress
	case tooMany != "":
		l.Why = tooMany
	default:
		l.Address = address
	}
	return l
}

// longest is the longest address that mail is sent to (RFC 5321, section 4.5.3.1.3).
const longest = 254

// reachable reports whether a mail proves that it is the user: one who has confirmed the
// sign-up and the address. Cognito gives both as attributes.
func reachable(call trigger.Call) bool {
	address := call.Attributes["email"]
	return address != "" && len(address) <= longest && call.Attributes["email_verified"] == "true" &&
		call.Attributes["cognito:user_status"] != "UNCONFIRMED"
}

// verify compares an answer. It is counted before it is compared, so that answers given at
// the same time cannot be more than a challenge takes. The right one is marked as used,
// which only one of several can do.
func (h *Handler) verify(ctx context.Context, call trigger.Call, p payload) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, work)
	defer cancel()
	with, why, err := h.compare(limited, call, p)
	if err != nil {
		return false, err
	}
	act := call.Act
	if call.UserNotFound {
		act.Subject = ""
	}
	var ev event.Event
	if why == "" {
		ev, err = contracts.NewChallengePassed(act, contracts.ChallengePassed{With: with})
	} else {
		ev, err = contracts.NewChallengeFailed(act, contracts.ChallengeFailed{Reason: why})
	}
	if err != nil {
		return false, fmt.Errorf("contracts.NewChallenge: %w", err)
	}
	// An event that cannot be sent ends in the log, and does not change the answer.
	if _, err := h.Publisher.Publish(ctx, ev); err != nil {
		return false, fmt.Errorf("publisher.Publish: %w", err)
	}
	return why == "", nil
}

// compare says with what a challenge was passed, or why not.
func (h *Handler) compare(ctx context.Context, call trigger.Call, p payload) (with, why string, err error) {
	c, found, err := h.Store.Count(ctx, p.id)
	if err != nil {
		return "", "", err
	}
	switch {
	case !found || c.Expired(h.Now()):
		return "", contracts.ChallengeExpired, nil
	case c.Used:
		return "", contracts.ChallengeUsed, nil
	case c.Answers > Answers:
		return "", contracts.ChallengeTooManyAnswers, nil
	}
	l, err := h.Vault.Open(ctx, p.id, c.Sealed)
	if err != nil {
		return "", "", fmt.Errorf("vault.Open: %w", err)
	}
	if with = match(l, p.answer); with == "" || l.Why != "" || call.UserNotFound || l.Subject != call.Act.Subject {
		return "", contracts.ChallengeWrong, nil
	}
	first, err := h.Store.Use(ctx, p.id)
	if err != nil {
		return "", "", err
	}
	if !first {
		return "", contracts.ChallengeUsed, nil
	}
	return with, "", nil
}

// match compares an answer with both secrets in constant time. People type codes in groups.
func match(l letter.Letter, answer string) string {
	answer = strings.TrimSpace(answer)
	code := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, answer)
	byCode := subtle.ConstantTimeCompare([]byte(code), []byte(l.Code))
	byLink := subtle.ConstantTimeCompare([]byte(answer), []byte(l.Token))
	switch {
	case byCode == 1:
		return contracts.WithCode
	case byLink == 1:
		return contracts.WithLink
	}
	return ""
}
