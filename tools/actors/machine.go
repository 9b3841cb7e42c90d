package actors

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Machine is a program with an app client of its own.
type Machine struct {
	ClientID, Secret string
	// Origin is that of the hosted pages, which have the token endpoint.
	Origin string
	Scopes []string
	HTTP   *http.Client
}

// RefusedToken is the error of a token endpoint's refusal.
type RefusedToken struct{ Err *oauth2.RetrieveError }

// Error omits the body of the answer, which may have a secret.
func (r *RefusedToken) Error() string {
	return fmt.Sprintf("the token endpoint answered %s %s", r.Err.Response.Status, r.Err.ErrorCode)
}

// Unwrap returns the library's error.
func (r *RefusedToken) Unwrap() error { return r.Err }

// Token gets an access token for the client itself (RFC 6749, section 4.4).
func (m *Machine) Token(ctx context.Context) (*oauth2.Token, error) {
	if m.HTTP != nil {
		ctx = context.WithValue(ctx, oauth2.HTTPClient, m.HTTP)
	}
	token, err := (&clientcredentials.Config{
		ClientID: m.ClientID, ClientSecret: m.Secret, TokenURL: m.Origin + "/oauth2/token", Scopes: m.Scopes, AuthStyle: oauth2.AuthStyleInHeader,
	}).Token(ctx)
	var refusal *oauth2.RetrieveError
	switch {
	case errors.As(err, &refusal):
		return nil, &RefusedToken{refusal}
	case err != nil:
		return nil, fmt.Errorf("clientcredentials.Token: %w", err)
	}
	return token, nil
}

// ReadSecret asks Cognito for the secret of the client, which it shows to anybody who may
// describe the client. Secret is empty afterwards if the client has none, or if the one
// that it was created with was deleted: Cognito shows no other (floci-io/floci#345, measured).
func (m *Machine) ReadSecret(ctx context.Context, pool UserPool, poolID string) error {
	client, err := pool.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: &poolID, ClientId: &m.ClientID})
	if err != nil {
		return fmt.Errorf("cognito.DescribeUserPoolClient: %w", err)
	}
	m.Secret = aws.ToString(client.UserPoolClient.ClientSecret)
	return nil
}

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
