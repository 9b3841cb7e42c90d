package check

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

// Mails are the calls of SES.
type Mails interface {
	GetEmailIdentity(context.Context, *sesv2.GetEmailIdentityInput, ...func(*sesv2.Options)) (*sesv2.GetEmailIdentityOutput, error)
	GetAccount(context.Context, *sesv2.GetAccountInput, ...func(*sesv2.Options)) (*sesv2.GetAccountOutput, error)
}

// Mail checks the SES identity that sends the codes. From an unverified identity, or
// in SES's sandbox, codes do not arrive, and sign-ups cannot be confirmed.
type Mail struct {
	API Mails
	// Identity is its ARN; empty for Cognito's own sender.
	Identity string
}

// Look implements Check.
func (c Mail) Look(ctx context.Context) []Finding {
	const what = "mail"
	if c.Identity == "" {
		return []Finding{{Warning, what, "Cognito's own sender is used, which sends few emails a day and is for trials", "set an SES identity before production use"}}
	}
	_, name, _ := strings.Cut(c.Identity, ":identity/")
	identity, err := c.API.GetEmailIdentity(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: &name})
	if missing := (*types.NotFoundException)(nil); errors.As(err, &missing) {
		return []Finding{{Stop, what, "no SES identity " + name + " in this region", "aws sesv2 create-email-identity --email-identity " + name}}
	}
	if err != nil {
		return unknown(what, "sesv2.GetEmailIdentity", err)
	}
	if !identity.VerifiedForSendingStatus {
		return []Finding{{Stop, what, name + " is not verified for sending", "aws sesv2 get-email-identity --email-identity " + name + " shows which records are missing"}}
	}
	account, err := c.API.GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return unknown(what, "sesv2.GetAccount", err)
	}
	if !account.ProductionAccessEnabled {
		return []Finding{{Warning, what, "SES is in its sandbox: codes only reach verified addresses", "request production access: aws sesv2 put-account-details"}}
	}
	return []Finding{{OK, what, name + " is verified, and SES is not in its sandbox", ""}}
}
