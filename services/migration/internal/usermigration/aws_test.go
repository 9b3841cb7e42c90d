package usermigration

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
)

// rows is a table of DynamoDB.
type rows struct {
	mu    sync.Mutex
	items map[string]map[string]types.AttributeValue
	tries map[string]int
	err   error
}

func (r *rows) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return &dynamodb.GetItemOutput{Item: r.items[in.Key[KeyAttribute].(*types.AttributeValueMemberS).Value]}, r.err
}

func (r *rows) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := in.Key[KeyAttribute].(*types.AttributeValueMemberS).Value
	if r.tries == nil {
		r.tries = map[string]int{}
	}
	r.tries[key]++
	if in.ExpressionAttributeValues[":expires"].(*types.AttributeValueMemberN).Value < "1796029200" {
		return nil, errors.New("it expires too early")
	}
	return &dynamodb.UpdateItemOutput{Attributes: map[string]types.AttributeValue{sumAttribute: number(int64(r.tries[key]))}}, r.err
}

// A hash of "password", from the tests of the reference implementation of argon2.
const hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

func row(hash string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		HashAttribute: &types.AttributeValueMemberS{Value: hash}, VerifiedAttribute: &types.AttributeValueMemberBOOL{Value: true},
		PersonAttribute: &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"name": &types.AttributeValueMemberS{Value: "Ada"}}},
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	odd := row(hash)
	odd[PersonAttribute] = &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"name": &types.AttributeValueMemberBOOL{}}}
	table := &Table{Name: "t", DynamoDB: &rows{items: map[string]map[string]types.AttributeValue{
		"user#" + address: row(hash), "user#dear@example.org": row("$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
		"user#odd@example.org": odd, "user#none@example.org": {KeyAttribute: &types.AttributeValueMemberS{Value: "x"}},
	}}}
	ada := Person{Attributes: map[string]string{"name": "Ada"}, Verified: true}
	if p, err := table.SignIn(t.Context(), address, "password"); err != nil || !cmp.Equal(p, ada) {
		t.Errorf("SignIn = %+v, %v", p, err)
	}
	if p, err := table.Find(t.Context(), address); err != nil || !cmp.Equal(p, ada) {
		t.Errorf("Find = %+v, %v", p, err)
	}
	for address, password := range map[string]string{address: "Password", "nobody@example.org": "password", "x" + address: "gatehouse-dummy"} {
		if p, err := table.SignIn(t.Context(), address, password); !errors.Is(err, ErrRefused) || p.Verified {
			t.Errorf("%s: %+v, %v", address, p, err)
		}
	}
	if _, err := table.Find(t.Context(), "nobody@example.org"); !errors.Is(err, ErrRefused) {
		t.Errorf("Find: %v", err)
	}
	for _, bad := range []string{"dear@example.org", "odd@example.org", "none@example.org"} {
		if _, err := table.SignIn(t.Context(), bad, "password"); err == nil || errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	table.DynamoDB = &rows{err: errors.New("down")}
	if _, err := table.SignIn(t.Context(), address, "password"); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("without a table: %v", err)
	}
}

// TestLimit: an address is limited without the others, and the others together.
func TestLimit(t *testing.T) {
	t.Parallel()
	r, now := &rows{}, moment()
	l := &Limit{DynamoDB: r, Name: "t", PerAddress: 2, Total: 4, Key: key, Now: func() time.Time { return now }}
	try := func(address string, want error) {
		t.Helper()
		if err := l.Try(t.Context(), address); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
	}
	for _, step := range []struct {
		address string
		want    error
	}{{"a", nil}, {"a", nil}, {"a", ErrLimited}, {"a", ErrLimited}, {"b", nil}, {"b", nil}, {"c", ErrLimited}} {
		try(step.address, step.want)
	}
	now = now.Add(totalWindow)
	try("d", nil)
	try("a", ErrLimited)
	now = now.Add(addressWindow)
	try("a", nil)
	for key := range r.tries {
		if strings.Contains(key, "address#a") || !strings.HasPrefix(key, limitPrefix) {
			t.Errorf("the key %s", key)
		}
	}
	r.err = errors.New("down")
	if err := l.Try(t.Context(), "z"); err == nil || errors.Is(err, ErrLimited) {
		t.Errorf("without a table: %v", err)
	}
	l.Key = func(context.Context) ([]byte, error) { return nil, errors.New("no key") }
	if err := l.Try(t.Context(), "z"); err == nil {
		t.Error("without a key it counts")
	}
}

type vault struct {
	read  int
	value string
	err   error
}

func (v *vault) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	v.read++
	return &secretsmanager.GetSecretValueOutput{SecretString: &v.value}, v.err
}

func TestSecret(t *testing.T) {
	t.Parallel()
	now := moment()
	v := &vault{value: secret}
	s := &Secret{Secrets: v, Name: "n", Now: func() time.Time { return now }}
	for range 3 {
		if got, err := s.Value(t.Context()); err != nil || string(got) != secret {
			t.Errorf("Value = %s, %v", got, err)
		}
	}
	now = now.Add(secretTTL)
	v.value = strings.Repeat("x", 40)
	if got, err := s.Value(t.Context()); err != nil || string(got) != v.value || v.read != 2 {
		t.Errorf("after a change: %s, %v, read %d times", got, err, v.read)
	}
	for _, bad := range []*vault{{value: "short"}, {value: secret, err: errors.New("denied")}} {
		if _, err := (&Secret{Secrets: bad, Now: moment}).Value(t.Context()); err == nil || strings.Contains(err.Error(), "short") {
			t.Errorf("Value: %v", err)
		}
	}
}

type queue struct {
	sent []*sqs.SendMessageInput
	id   *string
	err  error
}

func (q *queue) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	q.sent = append(q.sent, in)
	return &sqs.SendMessageOutput{MessageId: q.id}, q.err
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	q := &queue{id: aws.String("1")}
	if err := (&Mailbox{Queue: q, URL: "u"}).Tell(t.Context(), poolOf, address, moment()); err != nil {
		t.Errorf("Tell: %v", err)
	}
	want := `{"pool":"` + poolOf + `","address":"` + address + `","at":"2026-11-30T09:00:00Z"}`
	if got := q.sent[0]; aws.ToString(got.MessageBody) != want || got.DelaySeconds != tellDelay {
		t.Errorf("sent %s after %d seconds", aws.ToString(got.MessageBody), got.DelaySeconds)
	}
	for _, bad := range []*queue{{}, {id: aws.String("1"), err: errors.New("down")}} {
		if err := (&Mailbox{Queue: bad}).Tell(t.Context(), poolOf, address, moment()); err == nil {
			t.Error("a message that was not accepted is not an error")
		}
	}
}
