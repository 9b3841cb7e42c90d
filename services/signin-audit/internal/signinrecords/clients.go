package signinrecords

import (
	"context"
	"errors"
	"fmt"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/lambdakit/reason"
)

// Cognito is what Clients needs of the service.
type Cognito interface {
	DescribeUserPoolClient(context.Context, *cognito.DescribeUserPoolClientInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolClientOutput, error)
}

// Clients asks Cognito for the clients that somebody added to the pool.
type Clients struct{ Client Cognito }

// clientTimeout bounds one call, retries included.
const clientTimeout = 2 * time.Second

// Has reports whether the pool has a client. The answer, which has the client's secret, is
// not kept.
func (c *Clients) Has(ctx context.Context, pool, client string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	_, err := c.Client.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: &client})
	var missing *types.ResourceNotFoundException
	var malformed *types.InvalidParameterException
	switch {
	case errors.As(err, &missing), errors.As(err, &malformed):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("cognito.DescribeUserPoolClient: %w", reason.Safe(err))
	}
	return true, nil
}
