package teardown

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Prices are list prices of us-east-1; Asof is when AWS's pages were read.
const Asof = "2026-11-22"

// price is what a kept resource costs and how it is deleted by hand.
type price struct {
	typ string
	// fixed is in cents a month, for having it at all.
	fixed int
	text  string
	page  string
	// by is the command; %s is the physical id.
	by string
}

// prices are in the order in which things are deleted: a key last, because
// nothing that it encrypted can be read again.
func prices() []price {
	return []price{
		{
			"AWS::Cognito::UserPool", 0, "nothing while nobody signs in; then by active users a month", "https://aws.amazon.com/cognito/pricing/",
			"aws cognito-idp update-user-pool --user-pool-id %[1]s --deletion-protection INACTIVE && aws cognito-idp delete-user-pool --user-pool-id %[1]s",
		},
		{
			"AWS::Cognito::IdentityPool", 0, "nothing", "https://aws.amazon.com/cognito/pricing/",
			"aws cognito-identity delete-identity-pool --identity-pool-id %[1]s",
		},
		{
			"AWS::DynamoDB::Table", 0, "$0.25 a GB and month (the account's first 25 GB are free), and $0.20 a GB and month for point-in-time recovery", "https://aws.amazon.com/dynamodb/pricing/",
			"aws dynamodb update-table --table-name %[1]s --no-deletion-protection-enabled && aws dynamodb delete-table --table-name %[1]s",
		},
		{
			"AWS::S3::Bucket", 0, "$0.023 a GB and month", "https://aws.amazon.com/s3/pricing/",
			"when every lock in it has ended: each version of each object, then aws s3api delete-bucket --bucket %[1]s",
		},
		{
			"AWS::Logs::LogGroup", 0, "$0.03 a GB and month", "https://aws.amazon.com/cloudwatch/pricing/",
			"aws logs delete-log-group --log-group-name %[1]s",
		},
		{
			"AWS::ApiGateway::Account", 0, "nothing", "https://aws.amazon.com/api-gateway/pricing/",
			"not at all: a setting of the region, for every API. Another role: aws apigateway update-account --patch-operations op=replace,path=/cloudwatchRoleArn,value=ROLE_ARN",
		},
		{
			"AWS::IAM::Role", 0, "nothing", "https://aws.amazon.com/iam/faqs/",
			"when no API of the region writes its log with it: its policies, then aws iam delete-role --role-name %[1]s",
		},
		{
			"AWS::SNS::Topic", 0, "nothing while nobody publishes", "https://aws.amazon.com/sns/pricing/",
			"aws sns delete-topic --topic-arn %[1]s",
		},
		{
			"AWS::KMS::Key", 100, "$1.00 a month, and up to $2.00 more once its material was rotated", "https://aws.amazon.com/kms/pricing/",
			"aws kms schedule-key-deletion --key-id %[1]s --pending-window-in-days 30   (free from then on; what it encrypted is lost for ever)",
		},
	}
}

func priceOf(typ string) (price, int) {
	for i, p := range prices() {
		if p.typ == typ {
			return p, i
		}
	}
	return price{text: "look it up", page: "https://aws.amazon.com/pricing/", by: "by hand: %[1]s"}, 0
}

// PrintKept lists what stays when the stacks are gone, what it costs and how to
// delete it. It returns false if nothing stays.
func PrintKept(w io.Writer, all []*Stack) bool {
	type kept struct {
		stack string
		Resource
		price
		rank int
	}
	var list []kept
	cents := 0
	for _, s := range all {
		for _, r := range s.Resources {
			if r.Kept {
				p, rank := priceOf(r.Type)
				list = append(list, kept{s.Name, r, p, rank})
				cents += p.fixed
			}
		}
	}
	if len(list) == 0 {
		return false
	}
	slices.SortStableFunc(list, func(a, b kept) int { return a.rank - b.rank })
	var pages []string
	for _, k := range list {
		fmt.Fprintf(w, "  %s: %s  %s\n    is      %s\n    costs   %s\n    delete  %s\n", k.stack, k.ID, k.Type, k.Physical, k.text, fmt.Sprintf(k.by, k.Physical))
		if !slices.Contains(pages, k.page) {
			pages = append(pages, k.page)
		}
	}
	fmt.Fprintf(w, "  For having them at all: $%d.%02d a month. List prices of us-east-1 as of %s; yours are on\n    %s\n", cents/100, cents%100, Asof, strings.Join(pages, "\n    "))
	fmt.Fprintln(w, "  A later deployment makes new ones and does not find these again.")
	return true
}
