package challenge

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/passwordless/internal/letter"
)

// digits of a code. With three answers for each, and the limits, one address can be guessed
// at 15 times in a quarter of an hour: docs/adr/0053 says what that leaves.
const digits = 8

// drawCode draws a code, leading zeros included.
func drawCode() string {
	n, err := rand.Int(rand.Reader, new(big.Int).Exp(big.NewInt(10), big.NewInt(digits), nil))
	if err != nil {
		panic("crypto/rand does not work") // it never returns an error
	}
	return fmt.Sprintf("%0*d", digits, n)
}

// draw draws 128 bits.
func draw() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // it never returns an error
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Macs is what Names needs of KMS.
type Macs interface {
	GenerateMac(context.Context, *kms.GenerateMacInput, ...func(*kms.Options)) (*kms.GenerateMacOutput, error)
}

// Names hides who is counted: the table has a keyed hash of an address, and not one that
// can be guessed. The key of a day is made by a key in KMS that never leaves it, so it is
// another one every day. An instance of the function asks once a day.
type Names struct {
	Macs Macs
	Key  string

	mu  sync.Mutex
	day string
	mac []byte
}

// Hidden is the name of a user or address on this day.
func (n *Names) Hidden(ctx context.Context, name string, now time.Time) (string, error) {
	key, err := n.key(ctx, now.UTC().Format(time.DateOnly))
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(name)) // it never returns an error
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)), nil
}

func (n *Names) key(ctx context.Context, day string) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.day == day {
		return n.mac, nil
	}
	out, err := n.Macs.GenerateMac(ctx, &kms.GenerateMacInput{
		KeyId: &n.Key, MacAlgorithm: types.MacAlgorithmSpecHmacSha256, Message: []byte("names of " + day),
	})
	if err != nil {
		return nil, fmt.Errorf("kms.GenerateMac: %w", reason.Safe(err))
	}
	if len(out.Mac) != sha256.Size {
		return nil, errors.New("kms.GenerateMac: the answer is not a MAC")
	}
	n.day, n.mac = day, out.Mac
	return n.mac, nil
}

// Queue is what Outgoing needs of SQS.
type Queue interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Outgoing is the queue of the sender.
type Outgoing struct {
	Queue Queue
	URL   string
}

// Send hands a letter to the sender.
func (o *Outgoing) Send(ctx context.Context, e letter.Envelope) error {
	body, err := json.Marshal(e)
	if err != nil {
		return errors.New("challenge: the envelope is not JSON")
	}
	out, err := o.Queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &o.URL, MessageBody: aws.String(string(body))})
	switch {
	case err != nil:
		return fmt.Errorf("sqs.SendMessage: %w", reason.Safe(err))
	case aws.ToString(out.MessageId) == "":
		return errors.New("sqs.SendMessage: the queue did not acknowledge the message")
	}
	return nil
}
