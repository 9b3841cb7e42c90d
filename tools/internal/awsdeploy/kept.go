package awsdeploy

import (
	"fmt"
	"io"
	"slices"
)

// byHand is how a retained resource is deleted, and what AWS charges for until then.
type byHand struct {
	typ, costs string
	// command deletes the resource; %[1]s is its physical id, %[2]s the environment.
	command string
}

// deleteCommand deletes what is protected from deletion, which takes several calls.
const deleteCommand = "gatehouse aws delete-retained --environment %[2]s %[1]s"

// deletions are in the order in which to delete. Keys are last, because nothing that
// they encrypted can be read without them.
var deletions = []byHand{
	{poolType, "by active users", deleteCommand},
	{"AWS::Cognito::IdentityPool", "nothing", "aws cognito-identity delete-identity-pool --identity-pool-id %[1]s"},
	{tableType, "by size, for storage and for point-in-time recovery", deleteCommand},
	{"AWS::S3::Bucket", "by size", "when every object lock in it has ended: each version of each object, then aws s3api delete-bucket --bucket %[1]s"},
	{"AWS::Logs::LogGroup", "by size", "aws logs delete-log-group --log-group-name %[1]s"},
	{
		"AWS::ApiGateway::Account", "nothing",
		"not possible: it is a setting of the region, for every API. To set another role: aws apigateway update-account --patch-operations op=replace,path=/cloudwatchRoleArn,value=ROLE_ARN",
	},
	{
		"AWS::IAM::Role", "nothing",
		"aws iam detach-role-policy --role-name %[1]s --policy-arn arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs && " +
			"aws iam delete-role --role-name %[1]s   (when no API of the region logs with it)",
	},
	{"AWS::SNS::Topic", "by published messages", "aws sns delete-topic --topic-arn %[1]s"},
	{
		keyType, "a fee for every month, until it is deleted",
		deleteCommand + "   (free from then on; after 30 days what it encrypted can never be read again)",
	},
}

func deletion(typ string) (index int, known bool) {
	index = slices.IndexFunc(deletions, func(d byHand) bool { return d.typ == typ })
	return index, index >= 0
}

// printKept lists the resources that are retained, what AWS charges for and how to
// delete them. It returns false if nothing is retained.
func printKept(w io.Writer, all []*deployedStack, environment string) bool {
	type kept struct {
		stack string
		resource
		byHand
		index int
	}
	var list []kept
	for _, s := range all {
		for _, r := range s.Resources {
			if !r.Kept {
				continue
			}
			i, _ := deletion(r.Type)
			list = append(list, kept{s.Name, r, byHandOf(r.Type), max(i, 0)})
		}
	}
	slices.SortStableFunc(list, func(a, b kept) int { return a.index - b.index })
	for _, k := range list {
		fmt.Fprintf(w, "  %s: %s  %s\n    id      %s\n    costs   %s\n    delete  %s\n", k.stack, k.ID, k.Type, k.Physical, k.costs,
			k.text(k.Physical, environment))
	}
	if len(list) > 0 {
		fmt.Fprintln(w, "  A later deployment creates new resources and does not use these.")
	}
	return len(list) > 0
}
