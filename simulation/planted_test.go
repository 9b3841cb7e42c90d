package simulation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
)

// putter is DynamoDB, putEvents EventBridge, batches SNS and users Cognito, as the consumers
// need them.
type (
	putter interface {
		PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	}
	putEvents interface {
		PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
	}
	batches interface {
		PublishBatch(context.Context, *sns.PublishBatchInput, ...func(*sns.Options)) (*sns.PublishBatchOutput, error)
	}
	users interface {
		ListUsers(context.Context, *idp.ListUsersInput, ...func(*idp.Options)) (*idp.ListUsersOutput, error)
	}
)

// bug is an error planted between the real code and the universe, or in the templates.
type bug struct {
	topic    func(publish.Topic) publish.Topic
	outbox   func(publish.Outbox) publish.Outbox
	sender   func(sender) sender
	table    func(putter) putter
	bus      func(putEvents) putEvents
	batches  func(batches) batches
	users    func(users) users
	consumer func(function string, c consumer) consumer
	line     func([]byte) []byte
	settings func(map[string]setting)
	// arrived makes the ledger tell the operator that every event has arrived.
	arrived bool
}

func (b bug) topicOf(t publish.Topic) publish.Topic    { return planted(b.topic, t) }
func (b bug) outboxOf(o publish.Outbox) publish.Outbox { return planted(b.outbox, o) }
func (b bug) senderOf(s sender) sender                 { return planted(b.sender, s) }
func (b bug) tableOf(t putter) putter                  { return planted(b.table, t) }
func (b bug) busOf(p putEvents) putEvents              { return planted(b.bus, p) }
func (b bug) batchesOf(t batches) batches              { return planted(b.batches, t) }
func (b bug) usersOf(l users) users                    { return planted(b.users, l) }
func (b bug) lineOf(line []byte) []byte {
	if b.line == nil {
		return line
	}
	return b.line(line)
}

func (b bug) consumerOf(function string, c consumer) consumer {
	if b.consumer == nil {
		return c
	}
	return b.consumer(function, c)
}

func planted[T any](with func(T) T, in T) T {
	if with == nil {
		return in
	}
	return with(in)
}

// Clients and senders that are functions.
type (
	topicFunc  func(context.Context, *sns.PublishInput) (*sns.PublishOutput, error)
	outboxFunc func(context.Context, *sqs.SendMessageInput) (*sqs.SendMessageOutput, error)
	senderFunc func(context.Context, ...event.Event) ([]publish.Outcome, error)
	batchFunc  func(context.Context, *sns.PublishBatchInput) (*sns.PublishBatchOutput, error)
	usersFunc  func(context.Context, *idp.ListUsersInput) (*idp.ListUsersOutput, error)
	tableFunc  func(context.Context, *dynamodb.PutItemInput) (*dynamodb.PutItemOutput, error)
	busFunc    func(context.Context, *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error)
)

func (f topicFunc) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return f(ctx, in)
}

func (f outboxFunc) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return f(ctx, in)
}

func (f senderFunc) Publish(ctx context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	return f(ctx, evs...)
}

func (f batchFunc) PublishBatch(ctx context.Context, in *sns.PublishBatchInput, _ ...func(*sns.Options)) (*sns.PublishBatchOutput, error) {
	return f(ctx, in)
}

func (f usersFunc) ListUsers(ctx context.Context, in *idp.ListUsersInput, _ ...func(*idp.Options)) (*idp.ListUsersOutput, error) {
	return f(ctx, in)
}

func (f tableFunc) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return f(ctx, in)
}

func (f busFunc) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	return f(ctx, in)
}

// bugs are the errors that the simulation must find, and the invariant that each breaks.
var bugs = map[string]struct {
	bug
	invariant string
}{
	"two_budgets_in_a_row": {bug{sender: func(s sender) sender {
		return senderFunc(func(ctx context.Context, evs ...event.Event) ([]publish.Outcome, error) {
			var out []publish.Outcome
			for _, ev := range evs {
				each, err := s.Publish(context.WithoutCancel(ctx), ev)
				if err != nil {
					return out, err
				}
				out = append(out, each...)
			}
			return out, nil
		})
	}}, "nobody"},
	"outbox_not_tried": {bug{outbox: func(publish.Outbox) publish.Outbox {
		return outboxFunc(func(context.Context, *sqs.SendMessageInput) (*sqs.SendMessageOutput, error) {
			return &sqs.SendMessageOutput{MessageId: aws.String("sqs")}, nil
		})
	}}, "nothing is lost"},
	"error_taken_for_an_answer": {bug{topic: func(t publish.Topic) publish.Topic {
		return topicFunc(func(ctx context.Context, in *sns.PublishInput) (*sns.PublishOutput, error) {
			if _, err := t.Publish(ctx, in); ctx.Err() != nil {
				return nil, err
			}
			return &sns.PublishOutput{MessageId: aws.String("sns")}, nil
		})
	}}, "nothing is lost"},
	"another_id_for_each_attempt": {bug{topic: func(t publish.Topic) publish.Topic {
		return topicFunc(func(ctx context.Context, in *sns.PublishInput) (*sns.PublishOutput, error) {
			var fields map[string]any
			if err := json.Unmarshal([]byte(*in.Message), &fields); err != nil {
				return nil, err
			}
			fields["id"] = rand.Text()
			body, err := json.Marshal(fields)
			if err != nil {
				return nil, err
			}
			again := *in
			again.Message = aws.String(string(body))
			return t.Publish(ctx, &again)
		})
	}}, ""},
	"bytes_encoded_again": {bug{topic: func(t publish.Topic) publish.Topic {
		return topicFunc(func(ctx context.Context, in *sns.PublishInput) (*sns.PublishOutput, error) {
			again := *in
			again.Message = aws.String(strings.Replace(*in.Message, `"data":`, `"data": `, 1))
			return t.Publish(ctx, &again)
		})
	}}, "same id, same bytes"},
	"attributes_missing": {bug{topic: func(t publish.Topic) publish.Topic {
		return topicFunc(func(ctx context.Context, in *sns.PublishInput) (*sns.PublishOutput, error) {
			again := *in
			again.MessageAttributes = nil
			return t.Publish(ctx, &again)
		})
	}}, "attributes repeat the type"},
	"random_claim_with_a_lost_answer": {bug{table: changedPut(func(in *dynamodb.PutItemInput) {
		if in.Item["claim"] != nil {
			claim := &types.AttributeValueMemberS{Value: rand.Text()}
			in.Item["claim"], in.ExpressionAttributeValues[":claim"] = claim, claim
		}
	})}, "counted once"},
	"counted_without_a_claim": {bug{table: changedPut(func(in *dynamodb.PutItemInput) {
		if in.Item["claim"] != nil {
			in.ConditionExpression = nil
		}
	})}, "counted once"},
	"derived_id_not_claimed": {bug{table: changedPut(func(in *dynamodb.PutItemInput) {
		if strings.HasPrefix(text(in.Item["pk"]), "once#") {
			in.ConditionExpression = nil
		}
	})}, "one audit row"},
	"random_ids_instead_of_derived_ones": {bug{sender: func(s sender) sender {
		return senderFunc(func(ctx context.Context, evs ...event.Event) ([]publish.Outcome, error) {
			for i := range evs {
				evs[i].SetID(rand.Text())
			}
			return s.Publish(ctx, evs...)
		})
	}}, ""},
	"failures_not_reported": {bug{consumer: func(_ string, c consumer) consumer { return acknowledging(c) }}, ""},
	"finding_published_after_the_answer": {bug{consumer: func(function string, c consumer) consumer {
		if function != addressChanged {
			return c
		}
		return acknowledging(c) // whatever comes after the answer cannot change it
	}}, "a disposable address is found"},
	"error_of_cognito_taken_for_no_address": {bug{users: func(l users) users {
		return usersFunc(func(ctx context.Context, in *idp.ListUsersInput) (*idp.ListUsersOutput, error) {
			if out, err := l.ListUsers(ctx, in); err == nil {
				return out, nil
			}
			return &idp.ListUsersOutput{}, nil
		})
	}}, "a disposable address is found"},
	"finding_with_another_id_each_time": {bug{sender: func(s sender) sender {
		return senderFunc(func(ctx context.Context, evs ...event.Event) ([]publish.Outcome, error) {
			for i := range evs {
				if evs[i].Type() == contracts.TypeSecurityFinding {
					evs[i].SetID(rand.Text())
				}
			}
			return s.Publish(ctx, evs...)
		})
	}}, "one finding"},
	"refused_messages_not_reported": {bug{batches: func(t batches) batches {
		return batchFunc(func(ctx context.Context, in *sns.PublishBatchInput) (*sns.PublishBatchOutput, error) {
			out, err := t.PublishBatch(ctx, in)
			if out != nil {
				for _, f := range out.Failed {
					out.Successful = append(out.Successful, snstypes.PublishBatchResultEntry{Id: f.Id, MessageId: aws.String("sns")})
				}
				out.Failed = nil
			}
			return out, err
		})
	}}, "one audit row"},
	"refused_entries_not_reported": {bug{bus: func(p putEvents) putEvents {
		return busFunc(func(ctx context.Context, in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
			out, err := p.PutEvents(ctx, in)
			if out != nil {
				for i := range out.Entries {
					out.Entries[i].ErrorCode = nil
				}
			}
			return out, err
		})
	}}, "on the bus"},
	"no_breaker": {bug{sender: func(s sender) sender {
		p := s.(former).sender.(*publish.Publisher)
		return senderFunc(func(ctx context.Context, evs ...event.Event) ([]publish.Outcome, error) {
			fresh := &publish.Publisher{
				Topic: p.Topic, TopicARN: p.TopicARN, Outbox: p.Outbox, OutboxURL: p.OutboxURL,
				Environment: p.Environment, Log: p.Log, Out: p.Out, Now: p.Now,
			}
			return former{fresh}.Publish(ctx, evs...)
		})
	}}, "just failed is skipped"},
	"stop_after_five_receives": {bug{settings: func(all map[string]setting) {
		for _, f := range consumers {
			s := all[f]
			s.maxReceive = 5
			all[f] = s
		}
	}}, "dead letter"},
	"what_is_not_an_event_is_deleted": {bug{consumer: func(_ string, c consumer) consumer {
		return func(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
			in.Records = slices.DeleteFunc(slices.Clone(in.Records), func(m events.SQSMessage) bool { return !json.Valid([]byte(m.Body)) })
			return c(ctx, in)
		}
	}}, "not an event waits"},
	"recover_believes_that_all_arrived": {bug{arrived: true}, "the alarm ends"},
	"log_lines_cut_off":                 {bug{line: func(line []byte) []byte { return line[:min(len(line), 256)] }}, "nothing is lost"},
}

// acknowledging makes a consumer answer that nothing failed.
func acknowledging(c consumer) consumer {
	return func(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
		_, err := c(ctx, in)
		return events.SQSEventResponse{}, err
	}
}

// changedPut changes every call of PutItem.
func changedPut(change func(*dynamodb.PutItemInput)) func(putter) putter {
	return func(t putter) putter {
		return tableFunc(func(ctx context.Context, in *dynamodb.PutItemInput) (*dynamodb.PutItemOutput, error) {
			again := *in
			again.Item = maps.Clone(in.Item)
			again.ExpressionAttributeValues = maps.Clone(in.ExpressionAttributeValues)
			change(&again)
			return t.PutItem(ctx, &again)
		})
	}
}

// mostHistories is how many histories may pass before a bug is found: those of a minute
// on a slow machine.
const mostHistories = 5000

func TestPlantedBugsAreFound(t *testing.T) {
	t.Parallel()
	for name, tc := range bugs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := settingsOf(t)
			if tc.settings != nil {
				tc.settings(settings)
			}
			for seed := range uint64(mostHistories) {
				broken := run(t, generate(seed), settings, tc.bug)
				if len(broken) == 0 {
					continue
				}
				t.Logf("seed %d: %s: %s", seed, broken[0].invariant, broken[0].detail)
				if !strings.Contains(broken[0].invariant, tc.invariant) {
					t.Errorf("seed %d breaks %q, want %q", seed, broken[0].invariant, tc.invariant)
				}
				return
			}
			t.Errorf("not found in %d histories", mostHistories)
		})
	}
}
