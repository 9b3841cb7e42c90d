// Package presignup decides who may sign up. It turns a call of the PreSignUp
// trigger into a verdict, an event and, for a refusal, the text that the person
// reads.
//
// An address that breaks a rule is refused. An event that cannot be sent, even
// because of a panic, changes no verdict.
package presignup

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
	"gatehouse.example/services/signup-guard/internal/address"
	"gatehouse.example/services/signup-guard/internal/domains"
)

// Trigger sources of PreSignUp
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-sign-up.html).
const (
	sourceSignUp   = "PreSignUp_SignUp"
	sourceAdmin    = "PreSignUp_AdminCreateUser"
	sourceExternal = "PreSignUp_ExternalProvider"
)

// Publisher sends an event.
type Publisher interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// Guard decides. Its fields are set once, before the first use.
type Guard struct {
	Config      Config
	List        domains.Set
	ListVersion string
	Publisher   Publisher
	Log         *slog.Logger
}

// PreSignUp is a trigger.Func.
func (g *Guard) PreSignUp(ctx context.Context, call trigger.Call) error {
	via := viaOf(call.Source)
	if via == "" {
		g.Log.WarnContext(ctx, "not a trigger source of PreSignUp; answered unchanged")
		return nil
	}
	var v Verdict
	if email := emailOf(call, via); email != "" {
		v = g.Check(email, via)
	}
	g.publish(ctx, call.Act, via, v)
	if r, refused := refusalOf(v.Rule); refused {
		return r.err(call.Language)
	}
	return nil
}

func viaOf(source string) string {
	switch source {
	case sourceSignUp:
		return contracts.ViaSignup
	case sourceAdmin:
		return contracts.ViaAdmin
	case sourceExternal:
		return contracts.ViaFederation
	}
	return ""
}

// emailOf is the address to check: the attribute, or a user name that is an address.
// It is empty in a pool without addresses, such as one with phone numbers. A
// federated user's name is the provider's id and never counts.
func emailOf(call trigger.Call, via string) string {
	if email := call.Attributes["email"]; email != "" {
		return email
	}
	if via != contracts.ViaFederation && strings.Contains(call.UserName, "@") {
		return call.UserName
	}
	return ""
}

// publish sends the verdict as an event, and ignores every error.
func (g *Guard) publish(ctx context.Context, act contracts.Act, via string, v Verdict) {
	defer func() {
		if p := recover(); p != nil {
			g.Log.ErrorContext(ctx, "event not sent", "error", fmt.Sprintf("panic of type %T", p))
		}
	}()
	ev, err := g.event(act, via, v)
	if err == nil {
		_, err = g.Publisher.Publish(ctx, ev)
	}
	if err != nil {
		g.Log.ErrorContext(ctx, "event not sent", "error", err.Error())
	}
}

func (g *Guard) event(act contracts.Act, via string, v Verdict) (event.Event, error) {
	if r, refused := refusalOf(v.Rule); refused {
		return contracts.NewSignupRejected(act, contracts.SignupRejected{
			Via: via, Domain: v.Domain, Reason: r.Code, Rule: r.Rule, ListVersion: g.ListVersion,
		})
	}
	return contracts.NewSignupAllowed(act, contracts.SignupAllowed{
		Via: via, Domain: v.Domain, Relay: v.Relay, ListVersion: g.ListVersion,
	})
}

// Verdict is the result of the rules for one address.
type Verdict struct {
	// Rule that refused the address; empty if it is allowed.
	Rule string
	// Domain may leave the function; empty if none may.
	Domain string
	// Relay is set for privacy relays.
	Relay bool
}

// Check applies the rules to an address. via is one of contracts.Via... It makes no
// call, and for ordinary addresses one allocation.
func (g *Guard) Check(email, via string) Verdict {
	a, err := address.Parse(email)
	if err != nil {
		return Verdict{Rule: ruleOf(err), Domain: domains.Published(address.SafeDomain(email))}
	}
	_, relay := domains.Relay(a.Domain)
	v := Verdict{Domain: domains.Published(a.Domain), Relay: relay}
	switch {
	case g.Config.CheckLookAlikes && a.LookAlike():
		v.Rule = ruleMixedScripts
	case via == contracts.ViaAdmin && !g.Config.CheckAdminCreated,
		via == contracts.ViaFederation && !g.Config.CheckFederated:
	case g.Config.CheckReservedLocalParts && a.Reserved():
		v.Rule = ruleReservedName
	default:
		v.Rule = g.domainRule(a.Domain)
	}
	return v
}

// domainRule applies the operator's allow entries before the deny entries, and those
// before the list.
func (g *Guard) domainRule(domain string) string {
	return [...]string{"", "", ruleDenyEntry, ruleDisposableList}[1+domains.First(domain, g.Config.Allow, g.Config.Deny, g.List)]
}

// Refused reports whether a sign-up with the domain of this address would be refused, and
// the domain that may leave the function. It is for an address that a user has already, so
// that the rules about its form and its name do not count.
func (g *Guard) Refused(email string) (domain string, refused bool) {
	a, err := address.Parse(email)
	if err != nil {
		return "", false
	}
	return domains.Published(a.Domain), g.domainRule(a.Domain) != ""
}

func ruleOf(err error) string {
	switch err { //nolint:errorlint // Parse documents that it returns these values themselves
	case address.TooLong:
		return ruleAddressLength
	case address.BadDomain:
		return ruleDomainSyntax
	default:
		return ruleAddressSyntax
	}
}
