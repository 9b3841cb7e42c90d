package canary

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

const (
	poolARN = "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_Example01"
	subOf   = "7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a"
	secret  = "machine-secret"
	idToken = "id-token"
)

// cloud is an environment in memory: what the canary calls, and behind it what
// Gatehouse makes of that. Its switches break one thing each.
type cloud struct {
	actors.UserPool // panics if a call is not below

	t  *testing.T
	mu sync.Mutex

	users         map[string]string // password by name
	subs          map[string]string // by name
	queues        []string
	subscriptions map[string]string    // endpoint by ARN
	since         map[string]time.Time // of each subscription
	waiting       map[string][]string  // bodies by the queue's name
	rows          []event.Event
	read          int // rows that queries had to look at
	deletions     int // calls to delete a user
	counted       float64
	secrets       []string // what may never be printed

	open         bool            // signup-guard lets everybody in
	anyPassword  bool            // so does Cognito
	otherSecret  bool            // the machine client's first secret was deleted
	lost         map[string]bool // types that never reach the topic
	unrecorded   map[string]bool // types without a row
	unmarked     bool            // rows have no mark
	uncounted    bool
	late         time.Duration // until a subscription is in force
	hangs        bool          // no call of Cognito is answered
	flood        func()        // called at the wrong password
	unseen       string        // a run whose sign-up is never published
	status       map[string]int
	interrupt    func() // called at the sign-in
	stubbornUser bool   // cannot be deleted
}

func (c *cloud) emit(ev event.Event, err error) {
	if err != nil {
		c.t.Error(err)
	}
	if c.lost[ev.Type()] {
		return
	}
	body, err := contracts.Encode(ev)
	if err != nil {
		c.t.Error(err)
	}
	for arn, endpoint := range c.subscriptions {
		if time.Since(c.since[arn]) >= c.late {
			name := endpoint[strings.LastIndex(endpoint, ":")+1:]
			c.waiting[name] = append(c.waiting[name], string(body), string(body)) // at least once
		}
	}
	if !c.unrecorded[ev.Type()] {
		c.rows = append(c.rows, ev)
	}
	if !c.uncounted {
		c.counted++
	}
}

func (c *cloud) act(subject string) contracts.Act {
	return contracts.Act{PoolARN: poolARN, Subject: subject, Time: time.Now(), ClientID: "native", Synthetic: true}
}

func (c *cloud) SignUp(ctx context.Context, in *cognito.SignUpInput, _ ...func(*cognito.Options)) (*cognito.SignUpOutput, error) {
	if c.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !contracts.IsSyntheticAddress(*in.Username) || *in.Username != *in.UserAttributes[0].Value {
		c.t.Errorf("signs up as %s", *in.Username)
	}
	c.secrets = append(c.secrets, *in.Password)
	_, domain, _ := strings.Cut(*in.Username, "@")
	if !c.open && strings.HasSuffix(domain, "."+actors.Disposable) {
		c.emit(contracts.NewSignupRejected(c.act(""), contracts.SignupRejected{Via: "signup", Domain: domain, Reason: "r", Rule: "u", ListVersion: "v"}))
		return nil, &idp.UserLambdaValidationException{Message: aws.String("PreSignUp failed with error Please use another.")}
	}
	c.users[*in.Username], c.subs[*in.Username] = *in.Password, subOf
	if n := len(c.subs); n > 1 {
		c.subs[*in.Username] = fmt.Sprintf("%s%012d", subOf[:24], n)
	}
	if c.unseen == "" || !strings.Contains(*in.Username, c.unseen) {
		c.emit(contracts.NewSignupAllowed(c.act(""), contracts.SignupAllowed{Via: "signup", Domain: domain, ListVersion: "v"}))
	}
	return &cognito.SignUpOutput{UserSub: aws.String(c.subs[*in.Username])}, nil
}

func (c *cloud) AdminConfirmSignUp(_ context.Context, in *cognito.AdminConfirmSignUpInput, _ ...func(*cognito.Options)) (*cognito.AdminConfirmSignUpOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.emit(contracts.NewUserCreated(c.act(c.subs[*in.Username]), contracts.UserCreated{Via: "signup"}))
	return &cognito.AdminConfirmSignUpOutput{}, nil
}

func (c *cloud) InitiateAuth(ctx context.Context, in *cognito.InitiateAuthInput, _ ...func(*cognito.Options)) (*cognito.InitiateAuthOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interrupt != nil {
		c.interrupt()
		return nil, ctx.Err()
	}
	if c.flood != nil {
		c.flood()
		c.flood = nil
	}
	sub := c.subs[in.AuthParameters["USERNAME"]]
	c.emit(contracts.NewSigninAttempted(c.act(sub), contracts.SigninAttempted{}))
	if c.users[in.AuthParameters["USERNAME"]] != in.AuthParameters["PASSWORD"] && !c.anyPassword {
		return nil, &idp.NotAuthorizedException{}
	}
	c.emit(contracts.NewSigninSucceeded(c.act(sub), contracts.SigninSucceeded{}))
	return &cognito.InitiateAuthOutput{AuthenticationResult: &idp.AuthenticationResultType{IdToken: aws.String(idToken + sub)}}, nil
}

func (c *cloud) DescribeUserPoolClient(_ context.Context, in *cognito.DescribeUserPoolClientInput, _ ...func(*cognito.Options)) (*cognito.DescribeUserPoolClientOutput, error) {
	client := &idp.UserPoolClientType{ExplicitAuthFlows: []idp.ExplicitAuthFlowsType{idp.ExplicitAuthFlowsTypeAllowUserPasswordAuth}}
	if *in.ClientId == "machine" && !c.otherSecret {
		client.ClientSecret = aws.String(secret)
	}
	return &cognito.DescribeUserPoolClientOutput{UserPoolClient: client}, nil
}

func (c *cloud) AdminDeleteUser(_ context.Context, in *cognito.AdminDeleteUserInput, _ ...func(*cognito.Options)) (*cognito.AdminDeleteUserOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deletions++
	if c.stubbornUser {
		return nil, errors.New("throttled")
	}
	if _, is := c.users[*in.Username]; !is {
		return nil, &idp.UserNotFoundException{}
	}
	delete(c.users, *in.Username)
	return &cognito.AdminDeleteUserOutput{}, nil
}

func (c *cloud) CreateQueue(_ context.Context, in *sqs.CreateQueueInput, _ ...func(*sqs.Options)) (*sqs.CreateQueueOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.Attributes["SqsManagedSseEnabled"] != "true" || !strings.Contains(in.Attributes["Policy"], `"aws:SourceArn":"arn:aws:sns:eu-central-1:111122223333:user-events"`) {
		c.t.Errorf("queue with %v", in.Attributes)
	}
	url := "https://sqs/111122223333/" + *in.QueueName
	c.queues = append(c.queues, url)
	return &sqs.CreateQueueOutput{QueueUrl: &url}, nil
}

func (c *cloud) DeleteQueue(_ context.Context, in *sqs.DeleteQueueInput, _ ...func(*sqs.Options)) (*sqs.DeleteQueueOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queues = slices.DeleteFunc(c.queues, func(url string) bool { return url == *in.QueueUrl })
	return &sqs.DeleteQueueOutput{}, nil
}

func (c *cloud) ListQueues(_ context.Context, in *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &sqs.ListQueuesOutput{}
	for _, url := range c.queues {
		if strings.Contains(url, "/"+*in.QueueNamePrefix) {
			out.QueueUrls = append(out.QueueUrls, url)
		}
	}
	return out, nil
}

func (c *cloud) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	c.mu.Lock()
	out := &sqs.ReceiveMessageOutput{}
	name := (*in.QueueUrl)[strings.LastIndex(*in.QueueUrl, "/")+1:]
	for _, body := range c.waiting[name][:min(10, len(c.waiting[name]))] {
		out.Messages = append(out.Messages, sqstypes.Message{Body: &body, ReceiptHandle: &body})
	}
	c.waiting[name] = c.waiting[name][len(out.Messages):]
	c.mu.Unlock()
	if len(out.Messages) > 0 {
		return out, nil
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(100 * time.Millisecond):
		return out, nil
	}
}

func (c *cloud) DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	return &sqs.DeleteMessageBatchOutput{}, nil
}

func (c *cloud) Subscribe(_ context.Context, in *sns.SubscribeInput, _ ...func(*sns.Options)) (*sns.SubscribeOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.Attributes["FilterPolicy"] != `{"synthetic":["true"]}` || in.Attributes["RawMessageDelivery"] != "true" {
		c.t.Errorf("subscription with %v", in.Attributes)
	}
	arn := "arn:of:" + *in.Endpoint
	c.subscriptions[arn], c.since[arn] = *in.Endpoint, time.Now()
	return &sns.SubscribeOutput{SubscriptionArn: &arn}, nil
}

func (c *cloud) Unsubscribe(_ context.Context, in *sns.UnsubscribeInput, _ ...func(*sns.Options)) (*sns.UnsubscribeOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.subscriptions, *in.SubscriptionArn)
	return &sns.UnsubscribeOutput{}, nil
}

func (c *cloud) ListSubscriptionsByTopic(context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options)) (*sns.ListSubscriptionsByTopicOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &sns.ListSubscriptionsByTopicOutput{}
	for arn, endpoint := range c.subscriptions {
		out.Subscriptions = append(out.Subscriptions, snstypes.Subscription{SubscriptionArn: &arn, Endpoint: &endpoint})
	}
	return out, nil
}

// Query understands the key conditions of actors.Trail.
func (c *cloud) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	given := map[string]string{}
	for name, value := range in.ExpressionAttributeValues {
		given[name] = value.(*types.AttributeValueMemberS).Value
	}
	out := &dynamodb.QueryOutput{}
	for _, ev := range c.rows {
		if !strings.HasSuffix(given[":sk"], ev.ID()) && given[":sk"] != "" {
			continue
		}
		sk := ev.Time().UTC().Format("2006-01-02T15:04:05.000000000Z") + "#" + ev.ID()
		if actors.Partition(ev) != given[":pk"] || given[":sk"] != "" && sk != given[":sk"] || given[":from"] != "" && (sk < given[":from"] || sk > given[":to"]) {
			continue
		}
		if c.read++; given[":id"] != "" && ev.ID() != given[":id"] {
			continue
		}
		row := map[string]types.AttributeValue{
			"type": &types.AttributeValueMemberS{Value: ev.Type()}, "data": &types.AttributeValueMemberS{Value: string(ev.Data())},
		}
		if !c.unmarked {
			row["synthetic"] = &types.AttributeValueMemberBOOL{Value: true}
		}
		out.Items = append(out.Items, row)
	}
	return out, nil
}

func (c *cloud) GetMetricStatistics(_ context.Context, in *cloudwatch.GetMetricStatisticsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *in.MetricName != "SyntheticEvents" || len(in.Dimensions) != 1 || *in.Dimensions[0].Value != "test" {
		c.t.Errorf("metric %s of %v", *in.MetricName, in.Dimensions)
	}
	return &cloudwatch.GetMetricStatisticsOutput{Datapoints: []cwtypes.Datapoint{{Sum: aws.Float64(c.counted)}}}, nil
}
