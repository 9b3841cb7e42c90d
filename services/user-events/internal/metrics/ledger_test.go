package metrics_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// eventAt is an event that somebody claims at a time.
type eventAt struct {
	ev  event.Event
	now time.Time
}

func TestClaim(t *testing.T) {
	t.Parallel()
	now := queuetest.Time()
	first := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
	otherID := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
	otherPool := first.Clone()
	otherPool.SetSource(queuetest.Pool + "2")
	table := &memoryTable{}
	l := &metrics.Ledger{Table: table, Name: "ledger"}
	for _, step := range []struct {
		name string
		ev   *eventAt
		want bool
	}{
		{"first", &eventAt{first, now}, true},
		{"again", &eventAt{first, now.Add(time.Second)}, false},
		{"other_id", &eventAt{otherID, now}, true},
		{"same_id_of_another_pool", &eventAt{otherPool, now}, true},
		{"just_before_expiry", &eventAt{first, now.Add(metrics.ClaimTTL - time.Second)}, false},
		// The row is still there, for DynamoDB deletes late.
		{"expired", &eventAt{first, now.Add(metrics.ClaimTTL)}, true},
		{"claimed_again_after_expiry", &eventAt{first, now.Add(metrics.ClaimTTL + time.Hour)}, false},
	} {
		got, err := l.Claim(t.Context(), step.ev.ev, step.ev.now)
		if err != nil || got != step.want {
			t.Errorf("%s: Claim = %v, %v; want %v", step.name, got, err, step.want)
		}
	}
	if table.Rows() != 3 {
		t.Errorf("%d rows, want 3", table.Rows())
	}
}

func TestClaim_error_names_no_content(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]error{
		"throttled": &types.ProvisionedThroughputExceededException{},
		"other":     errors.New("signature of ada@example.com"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := &memoryTable{Fail: func(string) error { return fail }}
			ev := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
			claimed, err := (&metrics.Ledger{Table: table, Name: "ledger"}).Claim(t.Context(), ev, queuetest.Time())
			if claimed || err == nil || !strings.HasPrefix(err.Error(), "dynamodb.PutItem: ") || strings.Contains(err.Error(), "ada@") {
				t.Errorf("Claim = %v, %v", claimed, err)
			}
		})
	}
}

// forgetful writes the row, but its first answer is lost and the SDK asks again.
type forgetful struct{ *memoryTable }

func (f forgetful) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if _, err := f.memoryTable.PutItem(ctx, in, opts...); err != nil {
		return nil, err
	}
	return f.memoryTable.PutItem(ctx, in, opts...)
}

func TestClaim_survives_a_lost_answer(t *testing.T) {
	t.Parallel()
	l := &metrics.Ledger{Table: forgetful{&memoryTable{}}, Name: "ledger"}
	ev := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
	for i, want := range []bool{true, false} {
		if got, err := l.Claim(t.Context(), ev, queuetest.Time()); err != nil || got != want {
			t.Errorf("claim %d = %v, %v; want %v", i+1, got, err, want)
		}
	}
}

// late writes the row, but the answers to the first few questions come too late.
type late struct {
	*memoryTable
	answers int
}

func (l *late) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	out, err := l.memoryTable.PutItem(ctx, in, opts...)
	if l.answers--; l.answers >= 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return out, err
}

func TestClaim_asks_again_after_a_late_answer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &metrics.Ledger{Table: &late{memoryTable: &memoryTable{}, answers: 1}, Name: "ledger"}
		ev := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
		for i, want := range []bool{true, false} {
			if got, err := l.Claim(t.Context(), ev, queuetest.Time()); err != nil || got != want {
				t.Errorf("claim %d = %v, %v; want %v", i+1, got, err, want)
			}
		}
	})
}

// hanging never answers.
type hanging struct{}

func (hanging) PutItem(ctx context.Context, _ *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestClaim_gives_up_on_a_table_that_hangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ev := queuetest.Must(t)(contracts.NewPasswordReset(queuetest.Act()))
		claimed, err := (&metrics.Ledger{Table: hanging{}, Name: "ledger"}).Claim(t.Context(), ev, queuetest.Time())
		if took := time.Since(start); claimed || err == nil || took != 2*time.Second {
			t.Errorf("Claim = %v, %v after %v; want an error after 2s", claimed, err, took)
		}
	})
}

// An act that Cognito reports before and after an update, with the id of version 0.1 and
// with today's, is counted once.
func TestDerivedIDsOfTwoVersionsAreOneClaim(t *testing.T) {
	t.Parallel()
	now := queuetest.Must(t)(contracts.NewUserCreated(queuetest.Act(), contracts.UserCreated{Via: contracts.ViaSignup}))
	former := now.Clone()
	id, _ := contracts.ClaimID(now)
	former.SetID(id)
	if former.ID() == now.ID() {
		t.Fatal("the ids do not differ")
	}
	for _, evs := range [][2]event.Event{{former, now}, {now, former}} {
		l := &metrics.Ledger{Table: &memoryTable{}, Name: "ledger"}
		for i, ev := range evs {
			if counted, err := l.Claim(t.Context(), ev, queuetest.Time()); err != nil || counted != (i == 0) {
				t.Errorf("%s: counted %v, %v", ev.ID(), counted, err)
			}
		}
	}
}
