package actors

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// Guest is an app before anybody has signed in, or with Logins after it: it gets
// temporary credentials from the identity pool.
type Guest struct {
	// Base has the region and the endpoint; its credentials are not used.
	Base           aws.Config
	IdentityPoolID string
	// Logins are ID tokens by the name of their provider.
	Logins map[string]string
}

// Credentials asks the identity pool for credentials, unsigned as an app does.
func (g *Guest) Credentials(ctx context.Context) (aws.Config, error) {
	base := g.Base.Copy()
	base.Credentials = aws.AnonymousCredentials{}
	client := cognitoidentity.NewFromConfig(base)
	id, err := client.GetId(ctx, &cognitoidentity.GetIdInput{IdentityPoolId: &g.IdentityPoolID, Logins: g.Logins})
	if err != nil {
		return aws.Config{}, fmt.Errorf("cognitoidentity.GetId: %w", err)
	}
	out, err := client.GetCredentialsForIdentity(ctx, &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: id.IdentityId, Logins: g.Logins})
	if err != nil {
		return aws.Config{}, fmt.Errorf("cognitoidentity.GetCredentialsForIdentity: %w", err)
	}
	base.Credentials = credentials.NewStaticCredentialsProvider(
		aws.ToString(out.Credentials.AccessKeyId), aws.ToString(out.Credentials.SecretKey), aws.ToString(out.Credentials.SessionToken))
	return base, nil
}
