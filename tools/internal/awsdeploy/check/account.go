package check

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

// fewExecutions is the limit for the warning. New accounts start with 10, the
// default is 1000.
const fewExecutions = 100

// Functions is the call of Lambda.
type Functions interface {
	GetAccountSettings(context.Context, *lambda.GetAccountSettingsInput, ...func(*lambda.Options)) (*lambda.GetAccountSettingsOutput, error)
}

// Concurrency checks Lambda's concurrency. Every sign-in waits for two functions, and
// a throttled trigger fails the sign-in.
type Concurrency struct{ API Functions }

// Look implements Check.
func (c Concurrency) Look(ctx context.Context) []Finding {
	const what = "Lambda concurrency"
	out, err := c.API.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		return unknown(what, "lambda.GetAccountSettings", err)
	}
	if out.AccountLimit == nil {
		return []Finding{{NotChecked, what, "lambda.GetAccountSettings: no limits in the answer", ""}}
	}
	free := aws.ToInt32(out.AccountLimit.UnreservedConcurrentExecutions)
	text := fmt.Sprintf("%d concurrent executions, %d of them not reserved", out.AccountLimit.ConcurrentExecutions, free)
	if free < fewExecutions {
		return []Finding{{Warning, what, text + ": sign-ins at the same time would be throttled and fail",
			"request more: aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000"}}
	}
	return []Finding{{OK, what, text, ""}}
}

// SignIns shows Cognito's quotas of calls per second. They are for an account and
// region, not for a pool.
type SignIns struct {
	API servicequotas.ListServiceQuotasAPIClient
}

// Look implements Check.
func (c SignIns) Look(ctx context.Context) []Finding {
	const what, kinds = "Cognito quotas", "UserAuthentication UserCreation"
	var seen []string
	in := &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("cognito-idp")}
	for pages := servicequotas.NewListServiceQuotasPaginator(c.API, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return unknown(what, "servicequotas.ListServiceQuotas", err)
		}
		for _, q := range out.Quotas {
			for kind := range strings.FieldsSeq(kinds) {
				if strings.Contains(aws.ToString(q.QuotaName), kind+" requests") && q.Value != nil {
					seen = append(seen, fmt.Sprintf("%s %.0f/s", kind, *q.Value))
				}
			}
		}
	}
	if len(seen) == 0 {
		return []Finding{{NotChecked, what, "servicequotas.ListServiceQuotas: no quota of sign-ins", ""}}
	}
	return []Finding{{OK, what, strings.Join(seen, ", ") + "; compare them with your busiest minute", ""}}
}

// Gateways is the call of API Gateway.
type Gateways interface {
	GetAccount(context.Context, *apigateway.GetAccountInput, ...func(*apigateway.Options)) (*apigateway.GetAccountOutput, error)
}

// Gateway checks the role with which API Gateway writes logs. The account has one
// role for all APIs of a region, and without it there are no logs.
type Gateway struct {
	API Gateways
	// Managed is set if a stack that is deployed sets the role, on the path Path.
	Managed bool
	Path    string
}

// Look implements Check.
func (c Gateway) Look(ctx context.Context) []Finding {
	const what = "API log role"
	out, err := c.API.GetAccount(ctx, &apigateway.GetAccountInput{})
	if err != nil {
		return unknown(what, "apigateway.GetAccount", err)
	}
	role := aws.ToString(out.CloudwatchRoleArn)
	switch {
	case role != "" && c.Managed && !strings.Contains(role, ":role"+c.Path):
		return []Finding{{Warning, what, "the stack api replaces " + role + " by its own role, for every API of the region",
			"if that role is not api's: set ManageLogRole=false in services/api/samconfig.toml"}}
	case role != "":
		return []Finding{{OK, what, role, ""}}
	case c.Managed:
		return []Finding{{OK, what, "the stack api sets it", ""}}
	}
	return []Finding{{Warning, what, "the account has none, so API Gateway refuses a stage with logs",
		"set ManageLogRole=true in services/api/samconfig.toml"}}
}

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
	// From is the sender, which a domain's identity needs, such as Acme <no-reply@example.com>.
	From string
}

// Look implements Check.
func (c Mail) Look(ctx context.Context) []Finding {
	const what = "mail"
	if c.Identity == "" {
		return []Finding{{Warning, what, "Cognito's own sender is used, which sends few emails a day and is for trials", "set an SES identity before production use"}}
	}
	_, name, _ := strings.Cut(c.Identity, ":identity/")
	if text := c.sender(name); text != "" {
		return []Finding{{Stop, what, text, "set EmailFrom in platform/samconfig.toml, such as no-reply@" + name[strings.LastIndex(name, "@")+1:]}}
	}
	region := strings.Split(c.Identity+"::::", ":")[3] // Cognito may use another one than its own
	identity, err := c.API.GetEmailIdentity(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: &name})
	if missing := (*types.NotFoundException)(nil); errors.As(err, &missing) {
		return []Finding{{Stop, what, "no SES identity " + name + " in " + region, "aws sesv2 create-email-identity --region " + region + " --email-identity " + name}}
	}
	if err != nil {
		return unknown(what, "sesv2.GetEmailIdentity", err)
	}
	if !identity.VerifiedForSendingStatus {
		return []Finding{{Stop, what, name + " is not verified for sending", "the missing records: aws sesv2 get-email-identity --region " + region + " --email-identity " + name}}
	}
	account, err := c.API.GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return unknown(what, "sesv2.GetAccount", err)
	}
	if !account.ProductionAccessEnabled {
		return []Finding{{Warning, what, "SES is in its sandbox: codes only reach verified addresses",
			"request production access: aws sesv2 put-account-details --region " + region + " --production-access-enabled --mail-type TRANSACTIONAL --website-url https://YOURS"}}
	}
	return []Finding{{OK, what, name + " is verified, and SES is not in its sandbox", ""}}
}

// sender returns what is wrong with the sender. Cognito sends from EmailFrom, or from the
// identity if that is an address: a domain is none. SES refuses addresses of other domains.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_EmailConfigurationType.html
func (c Mail) sender(identity string) string {
	_, domain, given := strings.Cut(strings.TrimSuffix(c.From, ">"), "@")
	switch {
	case strings.Contains(identity, "@"):
		return ""
	case !given:
		return "the SES identity " + identity + " is a domain, and EmailFrom does not say from which address to send"
	case !strings.EqualFold(domain, identity) && !strings.HasSuffix(strings.ToLower(domain), "."+strings.ToLower(identity)):
		return "EmailFrom is " + c.From + ", which is not an address of the SES identity " + identity
	}
	return ""
}
