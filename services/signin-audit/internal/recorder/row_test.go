package recorder

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
)

func TestNewRow(t *testing.T) {
	t.Parallel()
	received := act.Add(time.Second)
	a := contracts.Act{ID: "id-1", PoolARN: pool, Subject: sub, ClientID: "c1", Time: act}
	known, err := contracts.NewSigninSucceeded(a, contracts.SigninSucceeded{NewDevice: true})
	if err != nil {
		t.Fatal(err)
	}
	a.Subject = ""
	nobody, err := contracts.NewSigninAttempted(a, contracts.SigninAttempted{UserNotFound: true})
	if err != nil {
		t.Fatal(err)
	}
	const stamp = "2026-11-22T16:00:00.123000000Z"
	base := Row{
		SK: stamp + "#id-1", Day: "2026-11-22", ID: "id-1", Time: stamp, Pool: "us-east-1_AbCdEfGhI",
		Client: "c1", ReceivedAt: "2026-11-22T16:00:01.123000000Z",
	}
	user := base
	user.PK, user.Sub, user.Type, user.Data = "user#"+sub, sub, contracts.TypeSigninSucceeded, `{"newDevice":true}`
	user.TypeTime, user.ExpiresAt = user.Type+"#"+user.SK, act.Add(time.Hour).Unix()
	none := base
	none.PK, none.Type, none.Data = "none#us-east-1_AbCdEfGhI#2026-11-22", contracts.TypeSigninAttempted, `{"userNotFound":true}`
	none.TypeTime = none.Type + "#" + none.SK

	got, err := NewRow(known, Claimed{known.ID(), known.Time()}, received, time.Hour)
	if diff := cmp.Diff(user, got); err != nil || diff != "" {
		t.Errorf("error %v, row of a user (-want +got):\n%s", err, diff)
	}
	got, err = NewRow(nobody, Claimed{nobody.ID(), nobody.Time()}, received, 0)
	if diff := cmp.Diff(none, got); err != nil || diff != "" {
		t.Errorf("error %v, row of nobody, kept forever (-want +got):\n%s", err, diff)
	}
	a.Synthetic = true
	canary, err := contracts.NewSigninAttempted(a, contracts.SigninAttempted{UserNotFound: true})
	if err != nil {
		t.Fatal(err)
	}
	marked := none
	marked.Synthetic = true
	marks, err := NewRow(canary, Claimed{canary.ID(), canary.Time()}, received, 0)
	if diff := cmp.Diff(marked, marks); err != nil || diff != "" {
		t.Errorf("error %v, row of a synthetic user (-want +got):\n%s", err, diff)
	}
	if b, _ := marks.item()["synthetic"].(*types.AttributeValueMemberBOOL); b == nil || !b.Value {
		t.Error("the row of a synthetic user is not marked")
	}
	if _, has := got.item()["synthetic"]; has || same(got.item(), marks.item()) {
		t.Error("a row without the mark is marked, or like one that is")
	}
	if _, has := got.item()["expiresAt"]; has {
		t.Error("a row that is kept forever has an expiry")
	}
	if _, has := got.item()["sub"]; has {
		t.Error("an empty attribute was written")
	}
}

// Keys must sort as times do, with and without fractions.
func TestKeysSortByTime(t *testing.T) {
	t.Parallel()
	var last string
	for _, d := range []time.Duration{0, 1, time.Microsecond, time.Millisecond, time.Second, time.Hour, 24 * time.Hour} {
		ev, err := contracts.NewSigninSucceeded(contracts.Act{ID: "i", PoolARN: pool, Subject: sub, Time: act.Truncate(time.Hour).Add(d)}, contracts.SigninSucceeded{})
		if err != nil {
			t.Fatal(err)
		}
		row, err := NewRow(ev, Claimed{ev.ID(), ev.Time()}, act, 0)
		if err != nil || strings.Compare(last, row.SK) >= 0 {
			t.Errorf("error %v, key %q does not follow %q", err, row.SK, last)
		}
		last = row.SK
	}
}
