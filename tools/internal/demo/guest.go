package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/cloudevents/sdk-go/v2/event"
)

// guest is an app on somebody's phone before anybody has signed in.
type guest struct {
	identities *cognitoidentity.Client
	poolID     string
	queueURL   string
	topicARN   string
	// base has the region and the endpoint, and no credentials of use to a guest.
	base aws.Config
	name string // of the event, told apart from those of earlier demos
}

func newGuest(base aws.Config, env environment) *guest {
	return &guest{
		identities: cognitoidentity.NewFromConfig(base),
		poolID:     env.identityPoolID, queueURL: env.guestQueueURL, topicARN: env.topicARN,
		base: base, name: "demo.opened-" + strings.ToLower(rand.Text()[:8]),
	}
}

// guestSends uses a guest's credentials where they are good, and where not.
func guestSends(ctx context.Context, c *cast) ([]string, error) {
	g := c.guest
	cfg, err := g.credentials(ctx)
	if err != nil {
		return nil, err
	}
	message, err := json.Marshal(map[string]any{"name": g.name, "data": map[string]any{"screen": "welcome", "visits": 1}})
	if err != nil {
		return nil, fmt.Errorf("json.Marshal: %w", err)
	}
	if _, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &g.queueURL, MessageBody: aws.String(string(message)),
	}); err != nil {
		return nil, fmt.Errorf("sqs.SendMessage: %w", err)
	}
	_, err = sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: &g.topicARN, Message: aws.String("{}")})
	if err == nil {
		return nil, errors.New("a guest's credentials may publish to the topic itself")
	}
	var refusal smithy.APIError
	if !errors.As(err, &refusal) || !slices.Contains(denials(), refusal.ErrorCode()) {
		return nil, fmt.Errorf("sns.Publish: %w", err)
	}
	return []string{
		"The identity pool gives anybody credentials for one queue. The app sends " + string(message),
		"The same credentials at the topic itself: " + refusal.ErrorCode(),
	}, nil
}

// denials are the names that services give to a refusal by IAM.
func denials() []string {
	return []string{"AccessDenied", "AccessDeniedException", "AuthorizationError"}
}

// credentials asks the identity pool for temporary ones, without a token.
func (g *guest) credentials(ctx context.Context) (aws.Config, error) {
	id, err := g.identities.GetId(ctx, &cognitoidentity.GetIdInput{IdentityPoolId: &g.poolID})
	if err != nil {
		return aws.Config{}, fmt.Errorf("cognitoidentity.GetId: %w", err)
	}
	out, err := g.identities.GetCredentialsForIdentity(ctx, &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: id.IdentityId})
	if err != nil {
		return aws.Config{}, fmt.Errorf("cognitoidentity.GetCredentialsForIdentity: %w", err)
	}
	cfg := g.base.Copy()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(
		aws.ToString(out.Credentials.AccessKeyId), aws.ToString(out.Credentials.SecretKey), aws.ToString(out.Credentials.SessionToken))
	return cfg, nil
}

// ofGuest recognises the guest's event by the name that it drew.
func ofGuest(c *cast, ev event.Event) bool {
	var data struct{ Name string }
	return json.Unmarshal(ev.Data(), &data) == nil && data.Name == c.guest.name
}
