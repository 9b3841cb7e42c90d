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

	"gatehouse.example/tools/internal/account"
	"gatehouse.example/tools/internal/meter"
)

// answerLimit is how long one answer of the API or the token endpoint may take:
// longer than API Gateway waits for a function.
const answerLimit = 35 * time.Second

// names are what the stacks of an environment call their things.
type names struct {
	environment                                    string
	apiURL, auditTable, hostedUIURL, machineClient string
	nativeClient, pool, resourceServer, topic      string
}

// readNames asks SSM for what the services wrote there.
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
		if *p.to, err = account.Parameter(ctx, cfg, environment, p.service, p.resource); err != nil {
			return names{}, err
		}
	}
	return n, nil
}

// connect gives the canary what it calls: plain clients, for it has no way in of
// its own.
func (c *canary) connect(cfg aws.Config, n names) {
	pool, queues := cognito.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	browser := &http.Client{Timeout: answerLimit}
	c.names = n
	c.person = &person{pool: pool, names: n, email: address(c.id)}
	c.inbox = &inbox{queues: queues, topic: sns.NewFromConfig(cfg), names: n, name: queuePrefix(n.environment) + c.id}
	c.api = &api{pool: pool, names: n, http: browser}
	c.trail = &trail{table: dynamodb.NewFromConfig(cfg), name: n.auditTable}
	c.meter = meter.New(cloudwatch.NewFromConfig(cfg), n.environment, c.started)
}
