package signinrecords

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/signin-audit/internal/recorder"
)

// Marks finds synthetic users by the mark of their rows in the audit table.
type Marks struct {
	Client dynamodb.QueryAPIClient
	Name   string
}

// IsSynthetic reads the mark of a user's oldest row: that of the creation or of an attempt,
// which triggers report with the mark. It reads nothing else, which is all that the role
// allows.
func (m *Marks) IsSynthetic(ctx context.Context, sub string) (bool, error) {
	out, err := m.Client.Query(ctx, &dynamodb.QueryInput{
		TableName: &m.Name, Limit: aws.Int32(1), Select: types.SelectSpecificAttributes,
		KeyConditionExpression: aws.String("pk = :user"), ProjectionExpression: aws.String(contracts.SyntheticExtension),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":user": &types.AttributeValueMemberS{Value: recorder.UserKey(sub)},
		},
	})
	if err != nil {
		return false, fmt.Errorf("dynamodb.Query: %w", reason.Safe(err))
	}
	if len(out.Items) == 0 {
		return false, nil
	}
	mark, ok := out.Items[0][contracts.SyntheticExtension].(*types.AttributeValueMemberBOOL)
	return ok && mark.Value, nil
}
