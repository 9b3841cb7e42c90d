package simulation

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bustypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"gatehouse.example/lambdakit/publish"
)

type item = map[string]types.AttributeValue

// table is a table of DynamoDB. It evaluates the conditions that the services use
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html).
type table struct {
	keys  []string
	items map[string]item
}

func (t *table) put(in *dynamodb.PutItemInput) error {
	var key strings.Builder
	for _, name := range t.keys {
		key.WriteString(text(in.Item[name]) + "\n")
	}
	old := t.items[key.String()]
	if in.ConditionExpression != nil && !holds(in, old) {
		e := &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed")}
		if in.ReturnValuesOnConditionCheckFailure == types.ReturnValuesOnConditionCheckFailureAllOld {
			e.Item = old
		}
		return e
	}
	t.items[key.String()] = in.Item
	return nil
}

// holds evaluates a condition of terms joined by OR.
func holds(in *dynamodb.PutItemInput, old item) bool {
	attribute := func(name string) types.AttributeValue {
		if real, ok := in.ExpressionAttributeNames[name]; ok {
			name = real
		}
		return old[name]
	}
	for term := range strings.SplitSeq(*in.ConditionExpression, " OR ") {
		if name, ok := strings.CutPrefix(term, "attribute_not_exists("); ok {
			if attribute(strings.TrimSuffix(name, ")")) == nil {
				return true
			}
			continue
		}
		word := strings.Fields(term)
		if len(word) != 3 {
			panic("simulation: an unknown condition: " + term)
		}
		left, right := attribute(word[0]), in.ExpressionAttributeValues[word[2]]
		switch {
		case right == nil:
			panic("simulation: a condition without a value: " + term)
		case left == nil:
		case word[1] == "=" && text(left) == text(right):
			return true
		case word[1] == "<=" && number(text(left)) <= number(text(right)):
			return true
		case word[1] != "=" && word[1] != "<=":
			panic("simulation: an unknown operator: " + term)
		}
	}
	return false
}

func text(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

// claim is the ledger's row for an event, as one invocation asked for it.
type claim struct {
	by    *invocation
	event *copied
	asks  int
	// applied is set if DynamoDB wrote the row, answered if the function has an answer,
	// won if the answer is that it wrote the row, and counted if the function then wrote
	// its metrics.
	applied, answered, won, counted bool
}

func (u *universe) claimedBy(inv *invocation) []*claim {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []*claim
	for _, c := range u.claims {
		if c.by == inv {
			out = append(out, c)
		}
	}
	return out
}

// unsimulated are the ledger's rows of users and budgets: no history has records of
// CloudTrail, which need them.
type unsimulated struct{}

func (unsimulated) Remember(context.Context, string, string, bool) error { return nil }

func (unsimulated) SignedUp(context.Context, string, string) (time.Time, error) {
	return time.Time{}, nil
}

func (unsimulated) Over(context.Context, string, time.Time, int) (int, error) { return 0, nil }

// ledgerClient is DynamoDB as the metrics function sees it.
type ledgerClient struct{ *universe }

func (l ledgerClient) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	inv := invocationOf(ctx)
	inv.live()
	key := text(in.Item["event"])
	l.mu.Lock()
	event := l.byClaim[key[strings.LastIndex(key, "#")+1:]]
	var c *claim
	for _, other := range l.claims {
		if other.by == inv && other.event == event {
			c = other
		}
	}
	if c == nil {
		c = &claim{by: inv, event: event}
		l.claims = append(l.claims, c)
	}
	c.asks++
	l.mu.Unlock()
	err := l.do(ctx, request{
		service: serviceTable, op: opLedger, event: event,
		apply: func() error {
			l.mu.Lock()
			defer l.mu.Unlock()
			err := l.ledger.put(in)
			c.applied = c.applied || err == nil
			return err
		},
		answered: func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			c.answered = true
		},
	})
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.won = true
	return &dynamodb.PutItemOutput{}, nil
}

// auditClient is DynamoDB as the recorder sees it.
type auditClient struct{ *universe }

func (a auditClient) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	invocationOf(ctx).live()
	op, id := opRow, text(in.Item["id"])
	if strings.HasPrefix(text(in.Item["pk"]), "once#") {
		op, id = opClaim, text(in.Item["eventId"])
	}
	err := a.do(ctx, request{
		service: serviceTable, op: op, event: a.at(id, text(in.Item["time"])),
		apply: func() error {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.audit.put(in)
		},
	})
	if err != nil {
		return nil, err
	}
	return &dynamodb.PutItemOutput{}, nil
}

// at returns the event with an id and a time.
func (u *universe) at(id, stamp string) *copied {
	t, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		panic(err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if c := u.byTime[idAndTime(id, t)]; c != nil {
		return c
	}
	panic("simulation: a row for an event that was never published: " + id)
}

// busClient is EventBridge. A request can fail for some of its entries
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html).
type busClient struct{ *universe }

func (b busClient) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	inv := invocationOf(ctx)
	inv.live()
	out := &eventbridge.PutEventsOutput{}
	var planned fault
	var accepted []*copied
	most := 0
	for _, e := range in.Entries {
		c := b.copyOf(*e.Detail, nil)
		n, f := b.next(opBus, c.name)
		most = max(most, n)
		entry := bustypes.PutEventsResultEntry{EventId: aws.String("id")}
		if f.mode == refuse {
			entry = bustypes.PutEventsResultEntry{ErrorCode: aws.String("ThrottlingException")}
			out.FailedEntryCount++
		} else {
			accepted = append(accepted, c)
			if f.mode > planned.mode {
				planned = f
			}
		}
		out.Entries = append(out.Entries, entry)
	}
	first := b.copyOf(*in.Entries[0].Detail, nil)
	err := b.send(ctx, request{service: serviceBus, op: opBus, event: first, apply: func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, c := range accepted {
			b.bus[c.act]++
		}
		return nil
	}}, most, planned)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// logsClient is CloudWatch Logs as the operator sees it.
type logsClient struct{ *universe }

func (l logsClient) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for _, f := range functions {
		out.LogGroups = append(out.LogGroups, logtypes.LogGroup{LogGroupName: aws.String(*in.LogGroupNamePrefix + f)})
	}
	return out, nil
}

// FilterLogEvents answers page by page, and a page can be empty.
func (l logsClient) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	if *in.FilterPattern != `"`+publish.UndeliveredKey+`"` {
		panic("simulation: an unknown filter: " + *in.FilterPattern)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.logs[(*in.LogGroupName)[strings.LastIndex(*in.LogGroupName, "/")+1:]]
	// Two goroutines can write at the same time, in any order.
	slices.SortFunc(lines, func(a, b logLine) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text, b.text))
	})
	at, _ := strconv.Atoi(aws.ToString(in.NextToken))
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	if at < len(lines) {
		out.NextToken = aws.String(strconv.Itoa(at + 1))
		if strings.Contains(lines[at].text, publish.UndeliveredKey) {
			out.Events = []logtypes.FilteredLogEvent{{Message: &lines[at].text, Timestamp: aws.Int64(l.began.Add(lines[at].at).UnixMilli())}}
		}
	}
	return out, nil
}
