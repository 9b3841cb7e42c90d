package demo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/xray"
)

// clients are plain SDK clients: the demo has no way in of its own.
type clients struct {
	base       aws.Config
	cloudwatch *cloudwatch.Client
	cognito    *cognito.Client
	dynamodb   *dynamodb.Client
	sns        *sns.Client
	sqs        *sqs.Client
	xray       *xray.Client
}

func connect(ctx context.Context, env environment) (clients, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(env.region),
		config.WithBaseEndpoint(env.endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(env.accessKeyID, env.secretAccessKey, "")),
	)
	if err != nil {
		return clients{}, fmt.Errorf("config.LoadDefaultConfig: %w", err)
	}
	return clients{
		base:       cfg,
		cloudwatch: cloudwatch.NewFromConfig(cfg),
		cognito:    cognito.NewFromConfig(cfg),
		dynamodb:   dynamodb.NewFromConfig(cfg),
		sns:        sns.NewFromConfig(cfg),
		sqs:        sqs.NewFromConfig(cfg),
		xray:       xray.NewFromConfig(cfg),
	}, nil
}
