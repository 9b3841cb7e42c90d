package simulation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idptypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

const poolARN = "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/" + pool

// window is that of a finding about a changed address.
const window = 24 * time.Hour

// The domains of the addresses.
const (
	ordinary   = "example.org"
	disposable = "mailinator.com"
)

func domainOf(k kind) string {
	if k.refused {
		return disposable
	}
	return ordinary
}

func subOf(user int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", user) }

// userName is what the steps of a user's address are named after.
func userName(user int) string { return fmt.Sprintf("user %d", user) }

// changed lets a person change the address, and an event about it reach the topic. The event
// can reach it again, when the address is another one already.
func (u *universe) changed(a act, nth int) {
	ev, err := contracts.NewAttributesChanged(
		contracts.Act{ID: fmt.Sprintf("change-%d", a.number), PoolARN: poolARN, Subject: subOf(a.user), Time: u.began.Add(a.at)},
		contracts.AttributesChanged{By: contracts.By{Kind: contracts.ByUser}, Change: "updated"})
	if err != nil {
		panic(err)
	}
	body, err := contracts.Encode(ev)
	if err != nil {
		panic(err)
	}
	c := u.copyOf(string(body), nil)
	u.mu.Lock()
	if nth == 1 { // later copies are the same, and a consumer may have it
		c.name, c.acknowledged = name(a.number, 1, c.typ), true
		u.domains[subOf(a.user)] = domainOf(a.kind)
	}
	u.mu.Unlock()
	u.accept(c)
}

// findingName is the name of a finding: that of the change that it is about.
func (u *universe) findingName(ev event.Event) string {
	for _, a := range u.acts {
		if a.kind.isChange() && subOf(a.user) == ev.Subject() && u.began.Add(a.at).Truncate(time.Second).Equal(ev.Time()) {
			return name(a.number, 1, ev.Type())
		}
	}
	return "a finding about nothing"
}

// directory is Cognito as the function sees it that looks at changed addresses.
type directory struct{ *universe }

func (d directory) ListUsers(ctx context.Context, in *idp.ListUsersInput, _ ...func(*idp.Options)) (*idp.ListUsersOutput, error) {
	invocationOf(ctx).live()
	sub := strings.TrimSuffix(strings.TrimPrefix(*in.Filter, `sub = "`), `"`)
	step := &copied{name: "nobody"}
	for _, a := range d.acts {
		if subOf(a.user) == sub {
			step.name = userName(a.user)
		}
	}
	out := &idp.ListUsersOutput{}
	err := d.do(ctx, request{service: serviceCognito, op: opUsers, event: step, apply: func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		out.Users = []idptypes.UserType{{Attributes: []idptypes.AttributeType{{Name: aws.String("email"), Value: aws.String("person@" + d.domains[sub])}}}}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// findingOf is the id of the finding about a change.
func (u *universe) findingOf(a act) string {
	to := u.began.Add(a.at).UTC()
	ev, err := contracts.NewSecurityFinding(contracts.Act{PoolARN: poolARN, Subject: subOf(a.user)}, contracts.SecurityFinding{
		Rule: contracts.RuleAddressDisposable, Domain: disposable, From: to.Add(-window).Format(time.RFC3339), To: to.Format(time.RFC3339),
	})
	if err != nil {
		panic(err)
	}
	return ev.ID()
}

// checkFindings: a user whose address is disposable after the last change is announced, and
// nobody who never had such an address is. The changes of a day make one finding. The address
// is that of the moment of handling, so a disposable one between two others may be missed.
func (u *universe) checkFindings() {
	last, possible := map[string]act{}, map[string]bool{} // the latter by id
	had := map[string]bool{}
	for _, a := range u.acts {
		if sub := subOf(a.user); a.kind.isChange() {
			had[sub] = had[sub] || a.kind.refused
			possible[u.findingOf(a)] = true
			if a.at >= last[sub].at {
				last[sub] = a
			}
		}
	}
	found := map[string]bool{}
	for _, c := range u.entered() {
		if c.typ != contracts.TypeSecurityFinding {
			continue
		}
		found[c.id] = true
		switch {
		case !possible[c.id]:
			u.violate("the changes of a day make one finding", "the finding %q has an id of its own", c.name)
		case !had[c.subject]:
			u.violate("only a disposable address is a finding", "%q", c.name)
		}
	}
	for _, a := range last {
		if a.kind.refused && !found[u.findingOf(a)] {
			u.violate("a disposable address is found", "act %d: no finding", a.number)
		}
	}
}
