package clientevents_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/services/user-events/internal/clientevents"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// counters adds up, as DynamoDB's ADD does.
type counters struct {
	rows    map[string]int
	expires int64
	err     error
}

func (c *counters) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if c.err != nil {
		return nil, c.err
	}
	number := func(v types.AttributeValue) int {
		n, _ := strconv.Atoi(v.(*types.AttributeValueMemberN).Value)
		return n
	}
	key := in.Key["event"].(*types.AttributeValueMemberS).Value
	c.rows[key] += number(in.ExpressionAttributeValues[":n"])
	c.expires = int64(number(in.ExpressionAttributeValues[":expires"]))
	return &dynamodb.UpdateItemOutput{Attributes: map[string]types.AttributeValue{
		"used": &types.AttributeValueMemberN{Value: strconv.Itoa(c.rows[key])},
	}}, nil
}

func TestTake(t *testing.T) {
	t.Parallel()
	now := queuetest.Time()
	table := &counters{rows: map[string]int{}}
	l := &clientevents.MinuteLimit{Table: table, Name: "ledger", PerMinute: 15}
	for _, step := range []struct {
		name string
		who  string
		n    int
		at   time.Time
		want int
	}{
		{"room_for_all", "guest", 10, now, 10},
		{"room_for_some", "guest", 10, now.Add(59 * time.Second), 5},
		{"no_room", "guest", 1, now.Add(59 * time.Second), 0},
		{"others_are_not_held_up", "user", 15, now.Add(59 * time.Second), 15},
		{"next_minute", "guest", 10, now.Add(60 * time.Second), 10},
		{"more_than_a_minute_holds", "guest", 100, now.Add(120 * time.Second), 15},
	} {
		got, err := l.Take(t.Context(), step.who, step.n, step.at)
		if err != nil || got != step.want {
			t.Errorf("%s: Take = %d, %v, want %d", step.name, got, err, step.want)
		}
	}
	if want := now.Add(120*time.Second + time.Hour).Unix(); table.expires != want {
		t.Errorf("the row expires at %d, want %d", table.expires, want)
	}
}

func TestTake_errors(t *testing.T) {
	t.Parallel()
	l := &clientevents.MinuteLimit{Table: &counters{err: errors.New("row of ada@example.com")}, Name: "ledger", PerMinute: 15}
	if n, err := l.Take(t.Context(), "guest", 5, queuetest.Time()); n != 0 || err == nil || strings.Contains(err.Error(), "ada@") {
		t.Errorf("Take = %d, %v", n, err)
	}
}
