package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
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

// Quotas is the call of Service Quotas.
type Quotas interface {
	ListServiceQuotas(context.Context, *servicequotas.ListServiceQuotasInput, ...func(*servicequotas.Options)) (*servicequotas.ListServiceQuotasOutput, error)
}

// SignIns shows Cognito's quotas of calls per second. They are for an account and
// region, not for a pool.
type SignIns struct{ API Quotas }

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
