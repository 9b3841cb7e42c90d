package canary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// bodyLimit bounds what is read of an answer.
const bodyLimit = 1 << 20

// api is the API as any caller meets it.
type api struct {
	pool  userPool
	names names
	http  *http.Client
}

// machineToken is an access token for the machine client itself (RFC 6749,
// section 4.4). Cognito tells the client's secret to whoever may describe the
// client; here it goes to the token endpoint and nowhere else.
func (a *api) machineToken(ctx context.Context) (string, error) {
	client, err := a.pool.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: &a.names.pool, ClientId: &a.names.machineClient})
	if err != nil {
		return "", fmt.Errorf("cognito.DescribeUserPoolClient: %w", err)
	}
	machine := &clientcredentials.Config{
		ClientID: a.names.machineClient, ClientSecret: aws.ToString(client.UserPoolClient.ClientSecret),
		TokenURL: a.names.hostedUIURL + "/oauth2/token", Scopes: []string{a.names.resourceServer + "/client"},
		AuthStyle: oauth2.AuthStyleInHeader,
	}
	token, err := machine.Token(context.WithValue(ctx, oauth2.HTTPClient, a.http))
	var refusal *oauth2.RetrieveError
	switch {
	case errors.As(err, &refusal):
		return "", fmt.Errorf("the token endpoint answered %s %s", refusal.Response.Status, refusal.ErrorCode)
	case err != nil:
		return "", fmt.Errorf("clientcredentials.Token: %w", err)
	}
	return token.AccessToken, nil
}

// expect asks for a path and wants a status. An empty token sends none.
func (a *api) expect(ctx context.Context, path, token string, status int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.names.apiURL+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("http.NewRequest: %w", err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := a.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("http.Do: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, bodyLimit))
	if err != nil {
		return nil, fmt.Errorf("io.ReadAll: %w", err)
	}
	if res.StatusCode != status {
		return nil, fmt.Errorf("GET %s answered %d and not %d; its trace is %s", path, res.StatusCode, status, res.Header.Get("X-Amzn-Trace-Id"))
	}
	return body, nil
}

// isMe wants the user's own sub in the answer of /user.
func isMe(body []byte, sub string) error {
	var answer struct{ Sub string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("GET /user: json.Unmarshal: %w", err)
	}
	if answer.Sub != sub {
		return errors.New("GET /user answered about somebody else")
	}
	return nil
}

// activityIDs are the ids of the events in an answer of /activity, which may be
// about nobody but the caller.
func activityIDs(body []byte, sub string) (map[string]bool, error) {
	var page struct {
		Items []struct{ ID, Sub string }
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("GET /activity: json.Unmarshal: %w", err)
	}
	ids := map[string]bool{}
	for _, item := range page.Items {
		if item.Sub != sub {
			return nil, errors.New("GET /activity shows rows of somebody else")
		}
		ids[item.ID] = true
	}
	return ids, nil
}
