package recorder

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// quoting is a DynamoDB whose refusals quote the request.
type quoting struct{}

func (quoting) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return nil, &types.RequestLimitExceeded{Message: aws.String("refused " + str(in.Item, "pk"))}
}

// The error is logged, so it may not hold what the row holds.
func TestPutErrorHoldsCodesOnly(t *testing.T) {
	t.Parallel()
	table := &Table{Client: quoting{}, Name: "audit"}
	_, err := table.Put(t.Context(), Row{PK: "user#" + sub, SK: "s"})
	if err == nil || !strings.Contains(err.Error(), "RequestLimitExceeded") {
		t.Fatalf("error %v, want its code", err)
	}
	if strings.Contains(err.Error(), sub) {
		t.Errorf("the error quotes the row: %v", err)
	}
}
