package signinrecords

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

type describing struct{ err error }

func (d describing) DescribeUserPoolClient(ctx context.Context, in *cognito.DescribeUserPoolClientInput, _ ...func(*cognito.Options)) (*cognito.DescribeUserPoolClientOutput, error) {
	if *in.UserPoolId != "pool" || *in.ClientId != "client" {
		return nil, errors.New("asked for something else")
	}
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > clientTimeout {
		return nil, errors.New("nothing ends the question")
	}
	return &cognito.DescribeUserPoolClientOutput{}, d.err
}

func TestClients(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer   error
		has, err bool
	}{
		"has_it":      {nil, true, false},
		"not_found":   {&types.ResourceNotFoundException{}, false, false},
		"not_an_id":   {&types.InvalidParameterException{}, false, false},
		"throttled":   {&types.TooManyRequestsException{Message: aws.String("ada@example.com")}, false, true},
		"not_allowed": {&types.NotAuthorizedException{}, false, true},
	} {
		has, err := (&Clients{describing{tc.answer}}).Has(t.Context(), "pool", "client")
		if has != tc.has || (err != nil) != tc.err || err != nil && strings.Contains(err.Error(), "ada@") {
			t.Errorf("%s: Has = %v, %v", name, has, err)
		}
	}
}
