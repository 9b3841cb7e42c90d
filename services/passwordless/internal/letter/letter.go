// Package letter is what the trigger hands to the sender: the secret of a challenge and
// where it goes, sealed by a key of KMS. Neither the queue nor the table nor Cognito's
// session has it in clear, so nothing that shows them, such as `gatehouse events dead show`,
// shows a code or an address.
package letter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"gatehouse.example/lambdakit/reason"
)

// Letter is the secret of one challenge, and whose it is.
type Letter struct {
	// Code and Token are the two answers that are right: the person types the code, and the
	// link has the token.
	Code  string `json:"code"`
	Token string `json:"token"`
	// Why is the reason, one of contracts.ChallengeReasons, why no mail is sent and no answer
	// is right. It is empty for a challenge that can be passed.
	Why string `json:"why,omitempty"`
	// Address is where the mail goes; empty if none is sent.
	Address  string `json:"address,omitempty"`
	Language string `json:"language,omitempty"`

	PoolARN   string `json:"pool"`
	ClientID  string `json:"client,omitempty"`
	Subject   string `json:"subject,omitempty"`
	Synthetic bool   `json:"synthetic,omitempty"`
}

// Envelope is the message in the queue.
type Envelope struct {
	// ID names the challenge. It is random and opens nothing.
	ID string `json:"id"`
	// ExpiresAt is when the secret becomes worthless, in seconds since 1970.
	ExpiresAt int64 `json:"expiresAt"`
	// Sealed is the letter.
	Sealed []byte `json:"sealed"`
}

// Expired reports whether the secret is worthless.
func (e Envelope) Expired(now time.Time) bool { return now.Unix() >= e.ExpiresAt }

// Keys is what Vault needs of KMS.
type Keys interface {
	Encrypt(context.Context, *kms.EncryptInput, ...func(*kms.Options)) (*kms.EncryptOutput, error)
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// Vault seals letters with a key that never leaves KMS and that KMS rotates by itself. KMS
// keeps earlier key material, so a letter that was sealed before a rotation opens
// (https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html).
type Vault struct {
	Keys Keys
	Key  string
}

// bound makes KMS open a letter as that of one challenge only. CloudTrail shows it.
func bound(id string) map[string]string { return map[string]string{"gatehouse:challenge": id} }

// Seal encrypts a letter for one challenge. KMS takes 4,096 bytes, which the longest letter
// has not.
func (v *Vault) Seal(ctx context.Context, id string, l Letter) ([]byte, error) {
	plain, err := json.Marshal(l)
	if err != nil {
		return nil, errors.New("letter: not JSON")
	}
	out, err := v.Keys.Encrypt(ctx, &kms.EncryptInput{KeyId: &v.Key, Plaintext: plain, EncryptionContext: bound(id)})
	if err != nil {
		return nil, fmt.Errorf("kms.Encrypt: %w", reason.Safe(err))
	}
	return out.CiphertextBlob, nil
}

// ErrSealed is the error about what is not a letter of this challenge.
var ErrSealed = errors.New("letter: what was opened is not a letter")

// Open decrypts the letter of a challenge.
func (v *Vault) Open(ctx context.Context, id string, sealed []byte) (Letter, error) {
	out, err := v.Keys.Decrypt(ctx, &kms.DecryptInput{KeyId: &v.Key, CiphertextBlob: sealed, EncryptionContext: bound(id)})
	if err != nil {
		return Letter{}, fmt.Errorf("kms.Decrypt: %w", reason.Safe(err))
	}
	var l Letter
	if json.Unmarshal(out.Plaintext, &l) != nil || l.Code == "" || l.Token == "" {
		return Letter{}, ErrSealed
	}
	return l, nil
}
