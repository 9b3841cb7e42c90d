package canary

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

// answerLimit is how long one answer of the API or the token endpoint may take:
// longer than API Gateway waits for a function.
const answerLimit = 35 * time.Second

// names are those of an environment's resources.
type names struct {
	environment                                    string
	apiURL, auditTable, hostedUIURL, machineClient string
	nativeClient, pool, resourceServer, topic      string
}

// readNames reads what the services wrote to SSM.
func readNames(ctx context.Context, cfg aws.Config, environment string) (names, error) {
	n := names{environment: environment}
	for _, p := range []struct {
		service, resource string
		to                *string
	}{
		{"api", "url", &n.apiURL},
		{"platform", "hosted-ui-url", &n.hostedUIURL},
		{"platform", "machine-client-id", &n.machineClient},
		{"platform", "native-client-id", &n.nativeClient},
		{"platform", "resource-server-id", &n.resourceServer},
		{"platform", "user-pool-id", &n.pool},
		{"signin-audit", "audit-table-name", &n.auditTable},
		{"user-events", "topic-arn", &n.topic},
	} {
		var err error
		if *p.to, err = actors.Parameter(ctx, cfg, environment, p.service, p.resource); err != nil {
			return names{}, err
		}
	}
	return n, nil
}

// services are what the canary calls.
type services struct {
	pool interface {
		actors.UserPool
		cognito.ListUsersAPIClient
	}
	queues interface {
		actors.Queues
		sqs.ListQueuesAPIClient
	}
	topics interface {
		actors.Topics
		sns.ListSubscriptionsByTopicAPIClient
	}
	table   actors.Table
	metrics actors.Statistics
	http    *http.Client
}

// connect gives the canary plain SDK clients: it uses no API of its own.
func (c *canary) connect(cfg aws.Config, n names) {
	c.use(services{
		pool: cognito.NewFromConfig(cfg), queues: sqs.NewFromConfig(cfg), topics: sns.NewFromConfig(cfg),
		table: dynamodb.NewFromConfig(cfg), metrics: cloudwatch.NewFromConfig(cfg), http: &http.Client{Timeout: answerLimit},
	}, n)
}

func (c *canary) use(s services, n names) {
	c.names = n
	c.aws = s
	c.person = &actors.Person{
		Pool: s.pool, PoolID: n.pool, ClientID: n.nativeClient, Email: actors.SyntheticAddress(c.id), Password: actors.NewPassword(),
	}
	c.inbox = &actors.Inbox{
		Queues: s.queues, Topics: s.topics, TopicARN: n.topic, Name: actors.QueuePrefix(n.environment) + c.id,
		Filter: `{"` + contracts.SyntheticExtension + `":["true"]}`,
	}
	c.api = &actors.API{URL: n.apiURL, HTTP: s.http}
	c.machine = &actors.Machine{ClientID: n.machineClient, Origin: n.hostedUIURL, Scopes: []string{n.resourceServer + "/client"}, HTTP: s.http}
	c.trail = &actors.Trail{Table: s.table, Name: n.auditTable}
	c.meter = actors.NewMeter(s.metrics, n.environment, c.started)
}
