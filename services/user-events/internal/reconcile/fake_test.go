package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"gatehouse.example/contracts"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/queuetest"
	"gatehouse.example/services/user-events/internal/reconcile"
)

const poolID = "eu-central-1_Example01"

// user is a user of the simulated pool.
type user struct {
	place             uint64 // in Cognito's order
	sub               string
	status            types.UserStatusType
	created, modified time.Time
}

// pool is a simulated pool. Its tokens name the last user of a page, and are valid for an
// hour.
type pool struct {
	users []user // by place
	calls int
	// fail is asked before each call of ListUsers, with its number.
	fail func(call int) error
	// between is called after each page.
	between func(call int)
	last    time.Time
	// fastest is the shortest time between two calls.
	fastest time.Duration
}

func (p *pool) DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error) {
	return &cognito.DescribeUserPoolOutput{UserPool: &types.UserPoolType{EstimatedNumberOfUsers: int32(len(p.users))}}, nil
}

const (
	pageSize   = 60
	tokenValid = time.Hour
)

func (p *pool) ListUsers(_ context.Context, in *cognito.ListUsersInput, _ ...func(*cognito.Options)) (*cognito.ListUsersOutput, error) {
	p.calls++
	if *in.UserPoolId != poolID || !slices.Equal(in.AttributesToGet, []string{"sub"}) {
		return nil, errors.New("this is not the pool, or too much is asked for")
	}
	now := time.Now()
	if gap := now.Sub(p.last); p.fastest == 0 || gap < p.fastest {
		p.fastest = gap
	}
	p.last = now
	if p.fail != nil {
		if err := p.fail(p.calls); err != nil {
			return nil, err
		}
	}
	start := 0
	if in.PaginationToken != nil {
		made, place, _ := strings.Cut(*in.PaginationToken, "/")
		at, _ := time.Parse(time.RFC3339Nano, made)
		after, err := strconv.ParseUint(place, 10, 64)
		if err != nil || now.Sub(at) > tokenValid {
			return nil, &types.InvalidParameterException{}
		}
		start, _ = slices.BinarySearchFunc(p.users, after+1, func(u user, place uint64) int {
			switch {
			case u.place < place:
				return -1
			case u.place > place:
				return 1
			}
			return 0
		})
	}
	end := min(start+pageSize, len(p.users))
	out := &cognito.ListUsersOutput{Users: make([]types.UserType, end-start)}
	for i, u := range p.users[start:end] {
		out.Users[i] = types.UserType{
			Attributes: []types.AttributeType{{Name: aws.String("sub"), Value: &u.sub}}, UserStatus: u.status, UserCreateDate: &u.created, UserLastModifiedDate: &u.modified,
		}
	}
	if end < len(p.users) {
		out.PaginationToken = aws.String(now.Format(time.RFC3339Nano) + "/" + strconv.FormatUint(p.users[end-1].place, 10))
	}
	if p.between != nil {
		p.between(p.calls)
	}
	return out, nil
}

// add puts a user at its place.
func (p *pool) add(u user) {
	at, _ := slices.BinarySearchFunc(p.users, u, func(a, b user) int { return int(int64(a.place) - int64(b.place)) })
	p.users = slices.Insert(p.users, at, u)
}

// subOf is the sub of the nth user.
func subOf(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// table is the ledger in memory: for each key the attribute that says what the row is.
type table struct {
	rows             map[string]string
	gets, writes     int
	state            map[string]dynamotypes.AttributeValue
	failGet, failPut func(call int) error
	// unprocessed is how much of each call is left for another one, in percent.
	unprocessed int
	down        bool
}

const name = "ledger"

func (t *table) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	t.gets++
	if t.failGet != nil {
		if err := t.failGet(t.gets); err != nil {
			return nil, err
		}
	}
	keys := in.RequestItems[name].Keys
	if len(keys) == 0 || len(keys) > 100 {
		return nil, fmt.Errorf("%d keys", len(keys))
	}
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]map[string]dynamotypes.AttributeValue{}}
	done := len(keys) - len(keys)*t.unprocessed/100
	for _, k := range keys[:done] {
		key := k[metrics.KeyAttribute].(*dynamotypes.AttributeValueMemberS).Value
		kind, is := t.rows[key]
		if !is {
			continue
		}
		item := map[string]dynamotypes.AttributeValue{metrics.KeyAttribute: k[metrics.KeyAttribute]}
		if until, claim := strings.CutPrefix(kind, "until "); claim {
			item[metrics.ExpiryAttribute] = &dynamotypes.AttributeValueMemberN{Value: until}
		} else {
			item[kind] = &dynamotypes.AttributeValueMemberS{Value: "then"}
		}
		out.Responses[name] = append(out.Responses[name], item)
	}
	if done < len(keys) {
		out.UnprocessedKeys = map[string]dynamotypes.KeysAndAttributes{name: {Keys: keys[done:]}}
	}
	return out, nil
}

func (t *table) BatchWriteItem(_ context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	t.writes++
	if t.failPut != nil {
		if err := t.failPut(t.writes); err != nil {
			return nil, err
		}
	}
	items := in.RequestItems[name]
	if len(items) == 0 || len(items) > 25 {
		return nil, fmt.Errorf("%d items", len(items))
	}
	done := len(items) - len(items)*t.unprocessed/100
	for _, w := range items[:done] {
		item := w.PutRequest.Item
		if item[metrics.ExpiryAttribute] != nil {
			return nil, errors.New("a known user must not expire")
		}
		size := 0
		for attribute, value := range item {
			size += len(attribute) + len(value.(*dynamotypes.AttributeValueMemberS).Value)
		}
		if size > 105 {
			return nil, fmt.Errorf("a known user's row has %d bytes; the README says 105", size)
		}
		for _, kind := range []string{"announced", "noted"} {
			if item[kind] != nil {
				t.rows[item[metrics.KeyAttribute].(*dynamotypes.AttributeValueMemberS).Value] = kind
			}
		}
	}
	out := &dynamodb.BatchWriteItemOutput{}
	if done < len(items) {
		out.UnprocessedItems = map[string][]dynamotypes.WriteRequest{name: items[done:]}
	}
	return out, nil
}

func (t *table) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if t.down {
		return nil, errors.New("down")
	}
	return &dynamodb.GetItemOutput{Item: t.state}, nil
}

// PutItem compares the version, as the condition says.
func (t *table) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if *in.ConditionExpression != "attribute_not_exists(#version) OR #version = :last OR #version = :next" {
		return nil, errors.New("another condition")
	}
	version := in.ExpressionAttributeNames["#version"]
	if had, is := t.state[version].(*dynamotypes.AttributeValueMemberS); is {
		last, _ := in.ExpressionAttributeValues[":last"].(*dynamotypes.AttributeValueMemberS)
		if had.Value != last.Value {
			return nil, &dynamotypes.ConditionalCheckFailedException{}
		}
	}
	t.state = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

// topic counts what was published about each user.
type topic struct {
	published map[string]int
	via       map[string]string
	fail      func(sub string) error
	order     []string
}

func (tp *topic) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	ev, err := contracts.Decode([]byte(*in.Message))
	if err != nil {
		return nil, err
	}
	if tp.fail != nil {
		if err := tp.fail(ev.Subject()); err != nil {
			return nil, err
		}
	}
	if want := contracts.CreatedID(queuetest.Pool, ev.Subject()); ev.Type() != contracts.TypeUserCreated || ev.ID() != want {
		return nil, fmt.Errorf("%s %s, want the id %s", ev.Type(), ev.ID(), want)
	}
	var data contracts.UserCreated
	if err := ev.DataAs(&data); err != nil {
		return nil, err
	}
	tp.published[ev.Subject()]++
	tp.via[ev.Subject()] = data.Via
	tp.order = append(tp.order, ev.Subject())
	return &sns.PublishOutput{MessageId: aws.String("m")}, nil
}

type platform struct{ err error }

func (p platform) Values(context.Context) ([]string, error) { return []string{queuetest.Pool}, p.err }

// world is a pool, a ledger and a topic, with a reconciler between them.
type world struct {
	*reconcile.Reconciler
	pool  *pool
	table *table
	topic *topic
	out   *strings.Builder
	// nap is how long nobody runs it after this run.
	nap time.Duration
}

func newWorld() *world {
	w := &world{
		pool: &pool{}, table: &table{rows: map[string]string{}}, topic: &topic{published: map[string]int{}, via: map[string]string{}}, out: &strings.Builder{},
	}
	w.Reconciler = &reconcile.Reconciler{
		Users: w.pool, Topic: w.topic, TopicARN: "arn:aws:sns:eu-central-1:111122223333:topic", Ledger: &reconcile.Ledger{Table: w.table, State: w.table, Name: name},
		Platform: platform{}, PagesPerSecond: 5, Environment: "test", Out: w.out, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Now: time.Now,
	}
	return w
}

// known marks the nth user as announced, or only as noted.
func (w *world) known(n int, kind string) {
	w.table.rows["announced#"+poolID+"#"+subOf(n)] = kind
}

// claim marks the event about the nth user as counted, until a time.
func (w *world) claim(t *testing.T, n int, until time.Time) {
	t.Helper()
	ev := queuetest.Must(t)(contracts.NewUserCreated(contracts.Act{PoolARN: queuetest.Pool, Subject: subOf(n), Time: until}, contracts.UserCreated{Via: contracts.ViaSignup}))
	w.table.rows[contracts.ClaimKey(ev)] = "until " + strconv.FormatInt(until.Unix(), 10)
}

// advance lets the time of a synctest bubble pass.
func advance(d time.Duration) { <-time.After(d) }

// every is the schedule, and timeout that of the function.
const every, timeout = 15 * time.Minute, 14 * time.Minute

// once is one invocation.
func (w *world) once(t *testing.T, in reconcile.Request) (reconcile.Report, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	began := time.Now()
	report, err := w.Handle(ctx, in)
	if took := time.Since(began); took > timeout-20*time.Second {
		t.Errorf("a run took %v of %v", took, timeout)
	}
	return report, err
}

// pass runs by the schedule until a pass is complete, and returns the number of runs. With
// mayFail some of them may fail.
func (w *world) pass(t *testing.T, mayFail bool) int {
	t.Helper()
	for runs := 1; runs < 1000; runs++ {
		began := time.Now()
		report, err := w.once(t, reconcile.Request{Start: runs == 1})
		switch {
		case err != nil && !mayFail:
			t.Fatal(err)
		case report.Ended == reconcile.EndedComplete:
			return runs
		}
		advance(every - time.Since(began)%every + w.nap)
		w.nap = 0
	}
	t.Fatal("the pass does not end")
	return 0
}
