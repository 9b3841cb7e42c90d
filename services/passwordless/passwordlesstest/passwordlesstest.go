// Package passwordlesstest runs the functions of passwordless without AWS, for tests of the
// whole repository. Nothing that is deployed imports it.
package passwordlesstest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"gatehouse.example/services/passwordless/internal/challenge"
	"gatehouse.example/services/passwordless/internal/letter"
	"gatehouse.example/services/passwordless/internal/sender"
)

// Letter is what the functions find sealed.
type Letter = letter.Letter

// Publisher sends events to the topic.
type Publisher = challenge.Publisher

// Challenge is the trigger, with a challenge that waits for its first answer.
func Challenge(l Letter, p Publisher, now func() time.Time, log *slog.Logger) *challenge.Handler {
	a := answers{l, now}
	return &challenge.Handler{
		Store: &challenge.Store{Client: a}, Vault: &letter.Vault{Keys: a}, Publisher: p, Log: log, Now: now,
	}
}

// Sender is the consumer, whose mails SES accepts.
func Sender(l Letter, p Publisher, now func() time.Time, log *slog.Logger) *sender.Sender {
	a := answers{l, now}
	return &sender.Sender{
		Vault: &letter.Vault{Keys: a}, SES: a, Publisher: p, Writer: sender.Writer{App: "Gatehouse", Link: "https://app.example.com/signin"},
		Environment: "local", Out: io.Discard, Log: log, Now: now,
	}
}

// answers are those of AWS.
type answers struct {
	letter Letter
	now    func() time.Time
}

func (answers) PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return &dynamodb.PutItemOutput{}, nil
}

func (a answers) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return &dynamodb.UpdateItemOutput{Attributes: map[string]types.AttributeValue{
		"sealed": &types.AttributeValueMemberB{Value: []byte("sealed")}, "answers": &types.AttributeValueMemberN{Value: "1"},
		"validUntil": &types.AttributeValueMemberN{Value: strconv.FormatInt(a.now().Add(time.Minute).Unix(), 10)},
	}}, nil
}

func (answers) Encrypt(context.Context, *kms.EncryptInput, ...func(*kms.Options)) (*kms.EncryptOutput, error) {
	return &kms.EncryptOutput{CiphertextBlob: []byte("sealed")}, nil
}

func (a answers) Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	plain, err := json.Marshal(a.letter)
	return &kms.DecryptOutput{Plaintext: plain}, err
}

func (answers) SendEmail(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
	return &sesv2.SendEmailOutput{MessageId: aws.String("1")}, nil
}
