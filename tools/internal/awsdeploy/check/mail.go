package check

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

// Mails is what is asked of SES.
type Mails interface {
	GetEmailIdentity(context.Context, *sesv2.GetEmailIdentityInput, ...func(*sesv2.Options)) (*sesv2.GetEmailIdentityOutput, error)
	GetAccount(context.Context, *sesv2.GetAccountInput, ...func(*sesv2.Options)) (*sesv2.GetAccountOutput, error)
}

// Mail: codes are sent by this identity. From an unverified one, or out of the
// sandbox, they reach nobody, and nobody can sign up.
type Mail struct {
	API Mails
	// Identity is its ARN; empty for Cognito's own sender.
	Identity string
}

// Look implements Check.
func (c Mail) Look(ctx context.Context) []Finding {
	const what = "mail"
	if c.Identity == "" {
		return []Finding{{Warning, what, "Cognito's own sender is used, which sends few mails a day and is for trials", "give an identity of SES before people come"}}
	}
	_, name, _ := strings.Cut(c.Identity, ":identity/")
	identity, err := c.API.GetEmailIdentity(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: &name})
	if missing := (*types.NotFoundException)(nil); errors.As(err, &missing) {
		return []Finding{{Stop, what, "SES knows no identity " + name + " here", "aws sesv2 create-email-identity --email-identity " + name}}
	}
	if err != nil {
		return unknown(what, "sesv2.GetEmailIdentity", err)
	}
	if !identity.VerifiedForSendingStatus {
		return []Finding{{Stop, what, name + " is not verified for sending", "aws sesv2 get-email-identity --email-identity " + name + " says which records are missing"}}
	}
	account, err := c.API.GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return unknown(what, "sesv2.GetAccount", err)
	}
	if !account.ProductionAccessEnabled {
		return []Finding{{Warning, what, "SES is in its sandbox: codes reach verified addresses only", "aws sesv2 put-account-details asks for production access"}}
	}
	return []Finding{{OK, what, name + " is verified, and SES is out of its sandbox", ""}}
}
