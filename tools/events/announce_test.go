package events

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/contracts"
)

// directoryOf is a user pool with one user, or with none.
type directoryOf struct {
	users []cognitotypes.UserType
	err   error
	asked *cognito.ListUsersInput
}

func (d *directoryOf) ListUsers(_ context.Context, in *cognito.ListUsersInput, _ ...func(*cognito.Options)) (*cognito.ListUsersOutput, error) {
	d.asked = in
	return &cognito.ListUsersOutput{Users: d.users}, d.err
}

func user(status cognitotypes.UserStatusType, created time.Time) []cognitotypes.UserType {
	return []cognitotypes.UserType{{UserStatus: status, UserCreateDate: &created}}
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	confirmed := user(cognitotypes.UserStatusTypeConfirmed, noon.Add(-time.Hour))
	claim := func(r *rows) {
		ev, err := contracts.NewUserCreated(contracts.Act{PoolARN: pool, Subject: someSub, Time: noon}, contracts.UserCreated{Via: contracts.ViaSignup})
		if err != nil {
			t.Fatal(err)
		}
		r.claim(contracts.ClaimKey(ev), noon.Add(time.Hour))
	}
	for name, tc := range map[string]struct {
		sub       string
		users     []cognitotypes.UserType
		prepare   func(*rows)
		again     bool
		via, fail string
	}{
		"confirmed":         {users: confirmed, via: "signup"},
		"federated":         {users: user(cognitotypes.UserStatusTypeExternalProvider, noon), via: "federation"},
		"by_administrator":  {users: user(cognitotypes.UserStatusTypeForceChangePassword, noon), via: "admin"},
		"unconfirmed":       {users: user(cognitotypes.UserStatusTypeUnconfirmed, noon), fail: "the user is UNCONFIRMED"},
		"compromised":       {users: user(cognitotypes.UserStatusTypeCompromised, noon), fail: "the user is COMPROMISED"},
		"unknown":           {fail: "has 0 users with this sub"},
		"not_a_sub":         {sub: address, fail: "an address is not accepted"},
		"filter_in_the_sub": {sub: `" or email ^= "`, fail: "a UUID"},
		"announced":         {users: confirmed, prepare: claim, fail: "has arrived; --again"},
		"announced_again":   {users: confirmed, prepare: claim, again: true, via: "signup"},
		"old":               {users: user(cognitotypes.UserStatusTypeConfirmed, noon.Add(-31*24*time.Hour)), fail: "the ledger remembers 30 days"},
		"old_again":         {users: user(cognitotypes.UserStatusTypeConfirmed, noon.Add(-31*24*time.Hour)), again: true, via: "signup"},
		"ledger_down":       {users: confirmed, prepare: func(r *rows) { r.fail = true }, fail: "--again sends it anyway"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, b, d, out := newRows(), &box{}, &directoryOf{users: tc.users}, &bytes.Buffer{}
			if tc.prepare != nil {
				tc.prepare(r)
			}
			now := func() time.Time { return noon }
			a := &announcer{users: d, outbox: b, outboxURL: "url", ledger: &Ledger{Table: r, Name: "ledger", Now: now}, poolARN: pool, out: out, now: now}
			err := a.announce(t.Context(), cmp.Or(tc.sub, someSub), tc.again)
			if tc.fail != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fail) || len(b.bodies) != 0 {
					t.Errorf("error %v, %d sent, want %q", err, len(b.bodies), tc.fail)
				}
				if err != nil && strings.Contains(err.Error(), address) {
					t.Errorf("the error quotes the input: %v", err)
				}
				return
			}
			if err != nil || len(b.bodies) != 1 {
				t.Fatalf("%d sent, %v", len(b.bodies), err)
			}
			ev, err := contracts.Decode([]byte(b.bodies[0]))
			if err != nil || ev.ID() != contracts.CreatedID(pool, someSub) || ev.Subject() != someSub || !ev.Time().Equal(*tc.users[0].UserCreateDate) || !strings.Contains(string(ev.Data()), tc.via) {
				t.Errorf("sent %s, %v", b.bodies[0], err)
			}
			if *d.asked.Filter != `sub = "`+someSub+`"` || len(d.asked.AttributesToGet) != 1 || d.asked.AttributesToGet[0] != "sub" || *d.asked.UserPoolId != "eu-central-1_Gatehouse" {
				t.Errorf("asked Cognito for %+v", d.asked)
			}
			contains(t, out, "gatehouse events find "+ev.ID())
		})
	}
	d := &directoryOf{err: errors.New("no")}
	if err := (&announcer{users: d, poolARN: pool}).announce(t.Context(), someSub, false); err == nil || !strings.Contains(err.Error(), "cognito.ListUsers") {
		t.Errorf("error %v", err)
	}
}
