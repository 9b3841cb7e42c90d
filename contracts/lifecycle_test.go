package contracts_test

import (
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// recordMakers are the constructors of what CloudTrail's records say.
func recordMakers() []func(contracts.Act) (event.Event, error) {
	type maker = func(contracts.Act) (event.Event, error)
	var makers []maker
	for _, by := range []contracts.By{
		{Kind: contracts.ByUser}, {Kind: contracts.ByRole, Name: "Support+=,.-_"}, {Kind: contracts.ByIAMUser, Name: "AIDAEXAMPLE"},
		{Kind: contracts.ByRoot}, {Kind: contracts.ByService, Name: "cloudformation.amazonaws.com"},
	} {
		for _, make := range []func(contracts.Act, contracts.AccountChanged) (event.Event, error){
			contracts.NewUserDeleted, contracts.NewUserDisabled, contracts.NewUserEnabled, contracts.NewSignedOut,
		} {
			makers = append(makers, func(a contracts.Act) (event.Event, error) { return make(a, contracts.AccountChanged{By: by}) })
		}
		makers = append(makers, func(a contracts.Act) (event.Event, error) {
			return contracts.NewAttributesChanged(a, contracts.AttributesChanged{By: by, Change: "verified"})
		}, func(a contracts.Act) (event.Event, error) {
			return contracts.NewPasswordChanged(a, contracts.PasswordChanged{By: by, How: "set"})
		}, func(a contracts.Act) (event.Event, error) {
			return contracts.NewMFAChanged(a, contracts.MFAChanged{By: by, Change: "preference"})
		}, func(a contracts.Act) (event.Event, error) {
			return contracts.NewGroupAdded(a, contracts.GroupChanged{By: by, Group: "auditors"})
		}, func(a contracts.Act) (event.Event, error) {
			return contracts.NewGroupRemoved(a, contracts.GroupChanged{By: by})
		}, func(a contracts.Act) (event.Event, error) {
			return contracts.NewPoolChanged(a, contracts.PoolChanged{By: by, Change: "replica", Operation: "CreateUserPoolReplica"})
		})
	}
	return append(makers, contracts.NewTokenIssued, func(a contracts.Act) (event.Event, error) {
		return contracts.NewTokenRefused(a, contracts.TokenRefused{Reason: "invalid-client"})
	})
}

func TestRecordConstructorsRefuse(t *testing.T) {
	t.Parallel()
	good := contracts.Act{ID: "record", PoolARN: pool, Subject: sub, Time: moment()}
	nobody := good
	nobody.Subject = ""
	for name, tc := range map[string]struct {
		event func() (event.Event, error)
		want  string
	}{
		"nobody_deleted": {func() (event.Event, error) {
			return contracts.NewUserDeleted(nobody, contracts.AccountChanged{By: contracts.By{Kind: contracts.ByUser}})
		}, "needs a subject"},
		"unknown_kind": {func() (event.Event, error) {
			return contracts.NewUserDeleted(good, contracts.AccountChanged{By: contracts.By{Kind: "magic"}})
		}, "unknown kind"},
		"address_as_actor": {func() (event.Event, error) {
			return contracts.NewUserDeleted(good, contracts.AccountChanged{By: contracts.By{Kind: contracts.ByRole, Name: "erika@example.org"}})
		}, "name of the actor"},
		"address_as_group": {func() (event.Event, error) {
			return contracts.NewGroupAdded(good, contracts.GroupChanged{By: contracts.By{Kind: contracts.ByUser}, Group: "erika@example.org"})
		}, "name of the group"},
		"pool_with_a_subject": {func() (event.Event, error) {
			return contracts.NewPoolChanged(good, contracts.PoolChanged{By: contracts.By{Kind: contracts.ByUser}})
		}, "has no subject"},
		"token_without_a_client": {func() (event.Event, error) { return contracts.NewTokenIssued(nobody) }, "needs a client"},
		"token_with_a_subject": {func() (event.Event, error) {
			return contracts.NewTokenRefused(good, contracts.TokenRefused{Reason: "unspecified"})
		}, "has no subject"},
	} {
		if _, err := tc.event(); err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "erika") {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

// What a person could have written as a name is not published.
func TestNamesThatMayBePublished(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][4]bool{ // as a group, as an actor, as a sub, as a sub of Cognito's
		"auditors": {true, true, true}, "team.a_b-1": {true, true, false}, "Role+=,": {false, true, false}, "5f0c6a3e-6d0b": {true, true, true},
		"5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11": {true, true, true, true}, "5F0C6A3E-6D0B-4C7E-9D53-0F6B1F1F8A11": {true, true, true, true},
		"{5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11}": {}, "5f0c6a3e6d0b4c7e9d530f6b1f1f8a11": {true, true, true},
		"": {}, "Erika Mustermann": {}, "erika@example.org": {}, "a\n": {}, `x" or sub = "y`: {}, "ü": {}, strings.Repeat("a", 129): {},
	} {
		got := [4]bool{contracts.IsGroupName(name), contracts.IsActorName(name), contracts.IsSub(name), contracts.IsCognitoSub(name)}
		if got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}
