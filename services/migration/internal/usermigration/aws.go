package usermigration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/reason"
)

// Secrets is what Secret needs of Secrets Manager.
type Secrets interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

const (
	// secretTTL is how long a secret is used before it is read again. A changed one counts then.
	secretTTL     = 10 * time.Minute
	secretTimeout = time.Second
	minSecret     = 32
)

// Secret reads the shared secret, and keeps it for a while.
type Secret struct {
	Secrets Secrets
	Name    string
	Now     func() time.Time

	mu    sync.Mutex
	value []byte
	read  time.Time
}

// Value is the secret.
func (s *Secret) Value(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value != nil && s.Now().Before(s.read.Add(secretTTL)) {
		return s.value, nil
	}
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	out, err := s.Secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.Name})
	if err != nil {
		return nil, fmt.Errorf("secretsmanager.GetSecretValue: %w", reason.Safe(err))
	}
	if len(aws.ToString(out.SecretString)) < minSecret {
		return nil, fmt.Errorf("secretsmanager.GetSecretValue: the secret has less than %d characters", minSecret)
	}
	s.value, s.read = []byte(*out.SecretString), s.Now()
	return s.value, nil
}

// Queue is what Mailbox needs of SQS.
type Queue interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Mailbox tells the announcer by its queue: Cognito creates the user after the trigger's
// answer only, so the trigger knows no sub.
type Mailbox struct {
	Queue Queue
	URL   string
}

// Message is the body of a message to the announcer.
type Message struct {
	Pool    string    `json:"pool"`
	Address string    `json:"address"`
	At      time.Time `json:"at"`
}

const (
	tellTimeout = 700 * time.Millisecond
	// tellDelay is how long the message is hidden: Cognito has created the user then.
	tellDelay = 30
)

// Tell sends one message.
func (m *Mailbox) Tell(ctx context.Context, poolARN, address string, at time.Time) error {
	body, err := json.Marshal(Message{Pool: poolARN, Address: address, At: at.UTC()})
	if err != nil {
		return errors.New("usermigration: the message is not JSON")
	}
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	out, err := m.Queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &m.URL, MessageBody: aws.String(string(body)), DelaySeconds: tellDelay})
	switch {
	case err != nil:
		return fmt.Errorf("sqs.SendMessage: %w", reason.Safe(err))
	case aws.ToString(out.MessageId) == "":
		return errors.New("sqs.SendMessage: the queue did not acknowledge the message")
	}
	return nil
}
