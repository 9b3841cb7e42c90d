package upstream

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// AppClient is an app client with the settings that decide about triggers.
type AppClient struct {
	ID        string   `json:"ClientId"`
	PoolID    string   `json:"UserPoolId"`
	Secret    string   `json:"ClientSecret"`
	Flows     []string `json:"ExplicitAuthFlows"`
	Existence string   `json:"PreventUserExistenceErrors"`
	Logout    []string `json:"LogoutURLs"`
	// Callbacks are the addresses that sign-in may lead to.
	Callbacks []string `json:"CallbackURLs"`
	// OAuthFlows are code, implicit and client_credentials.
	OAuthFlows []string `json:"AllowedOAuthFlows"`
	// Providers are the identity providers of its people; COGNITO is the pool itself.
	Providers []string `json:"SupportedIdentityProviders"`
}

// HidesUsers reports whether unknown users must look like known ones.
func (a AppClient) HidesUsers() bool { return a.Existence == "ENABLED" }

// Pool is a user pool with its triggers.
type Pool struct {
	ID           string         `json:"Id"`
	ARN          string         `json:"Arn"`
	Lambdas      map[string]any `json:"LambdaConfig"`
	AutoVerified []string       `json:"AutoVerifiedAttributes"`
	Aliases      []string       `json:"UsernameAttributes"`
	Domain       string         // a prefix
	CustomDomain string
	MFA          string `json:"MfaConfiguration"` // OFF, OPTIONAL or ON
	Policies     struct{ PasswordPolicy PasswordPolicy }
	AdminCreate  struct{ AllowAdminCreateUserOnly bool } `json:"AdminCreateUserConfig"`

	UpdateSettings struct {
		VerifyFirst []string `json:"AttributesRequireVerificationBeforeUpdate"`
	} `json:"UserAttributeUpdateSettings"`
}

// Host is the name of the pool's hosted pages, or empty if it has none.
func (p Pool) Host(region string) string {
	if p.CustomDomain != "" || p.Domain == "" {
		return p.CustomDomain
	}
	return p.Domain + ".auth." + region + ".amazoncognito.com"
}

// PasswordPolicy is what the pool asks of a password.
type PasswordPolicy struct {
	MinimumLength                                                      int
	RequireLowercase, RequireUppercase, RequireNumbers, RequireSymbols bool
}

// Function is the ARN that the pool names for a trigger, or nothing.
func (p Pool) Function(trigger string) string {
	arn, _ := p.Lambdas[trigger].(string)
	return arn
}

// User is a user as a trigger's event shows one.
type User struct {
	Name       string
	Status     string
	Attributes map[string]string
	Factors    []string // second factors that are set up
}

var errNoSuchClient = errors.New("no such app client")

// AppClient finds an app client by its id in any pool.
func (c *Client) AppClient(ctx context.Context, id string) (AppClient, error) {
	if id == "" {
		return AppClient{}, errNoSuchClient
	}
	if poolID := c.poolOf(id); poolID != "" {
		found, err := c.describeClient(ctx, poolID, id)
		if !IsAPI(err, "ResourceNotFoundException") {
			return found, err
		}
		c.pools.Delete(id)
	}
	if err := c.scan(ctx); err != nil {
		return AppClient{}, err
	}
	poolID := c.poolOf(id)
	if poolID == "" {
		return AppClient{}, errNoSuchClient
	}
	return c.describeClient(ctx, poolID, id)
}

// poolOf is the pool that the client was last seen in.
func (c *Client) poolOf(clientID string) string {
	id, _ := c.pools.Load(clientID)
	poolID, _ := id.(string)
	return poolID
}

// ClientPool finds an app client and its pool. ok is false if one of them does not
// exist, which the emulator then reports itself.
func (c *Client) ClientPool(ctx context.Context, clientID string) (a AppClient, p Pool, ok bool, err error) {
	a, err = c.AppClient(ctx, clientID)
	if errors.Is(err, errNoSuchClient) || IsAPI(err, "ResourceNotFoundException") {
		return AppClient{}, Pool{}, false, nil
	}
	if err == nil {
		p, ok, err = c.Pool(ctx, a.PoolID)
	}
	return a, p, ok, err
}

// PoolOf is the id of the pool that an app client belongs to, or empty if no pool has it. It
// asks the emulator only about clients that it has not seen.
func (c *Client) PoolOf(ctx context.Context, clientID string) (string, error) {
	if known := c.poolOf(clientID); known != "" || clientID == "" {
		return known, nil
	}
	found, err := c.AppClient(ctx, clientID)
	if errors.Is(err, errNoSuchClient) {
		return "", nil
	}
	return found.PoolID, err
}

// scan reads every client of every pool.
func (c *Client) scan(ctx context.Context) error {
	type page struct {
		UserPools []struct {
			ID string `json:"Id"`
		}
		NextToken string
	}
	in := map[string]any{"MaxResults": 60}
	return Pages(ctx, c, "cognito-idp", CognitoTarget+"ListUserPools", in, func(out page) (string, error) {
		for _, p := range out.UserPools {
			// A pool may have been deleted meanwhile.
			if err := c.scanPool(ctx, p.ID); err != nil && !IsAPI(err, "ResourceNotFoundException") {
				return "", err
			}
		}
		return out.NextToken, nil
	})
}

func (c *Client) scanPool(ctx context.Context, poolID string) error {
	type page struct {
		UserPoolClients []struct {
			ClientID string `json:"ClientId"`
		}
		NextToken string
	}
	in := map[string]any{"MaxResults": 60, "UserPoolId": poolID}
	return Pages(ctx, c, "cognito-idp", CognitoTarget+"ListUserPoolClients", in, func(out page) (string, error) {
		for _, one := range out.UserPoolClients {
			c.pools.Store(one.ClientID, poolID)
		}
		return out.NextToken, nil
	})
}

func (c *Client) describeClient(ctx context.Context, poolID, id string) (AppClient, error) {
	var out struct{ UserPoolClient AppClient }
	err := c.Directory(ctx, "DescribeUserPoolClient", map[string]any{"UserPoolId": poolID, "ClientId": id}, &out)
	return out.UserPoolClient, err
}

// Pool reads a pool; found is false if there is none.
func (c *Client) Pool(ctx context.Context, id string) (p Pool, found bool, err error) {
	var out struct{ UserPool Pool }
	err = c.Directory(ctx, "DescribeUserPool", map[string]any{"UserPoolId": id}, &out)
	if IsAPI(err, "ResourceNotFoundException") {
		return Pool{}, false, nil
	}
	return out.UserPool, err == nil, err
}

// User finds a user by name, sub or alias; found is false if there is none.
func (c *Client) User(ctx context.Context, poolID, name string) (u User, found bool, err error) {
	var out struct {
		Username       string
		UserStatus     string
		UserAttributes []Attribute
		Factors        []string `json:"UserMFASettingList"`
	}
	err = c.Directory(ctx, "AdminGetUser", map[string]any{"UserPoolId": poolID, "Username": name}, &out)
	if IsAPI(err, "UserNotFoundException") {
		return User{}, false, nil
	}
	if err != nil {
		return User{}, false, err
	}
	return User{Name: out.Username, Status: out.UserStatus, Attributes: AttributeMap(out.UserAttributes), Factors: out.Factors}, true, nil
}

// Directory makes a call of the Cognito API with the root key.
func (c *Client) Directory(ctx context.Context, action string, in, out any) error {
	return c.JSON(ctx, "cognito-idp", CognitoTarget+action, in, out)
}

// Attribute is a name and value as Cognito lists them.
type Attribute struct {
	Name  string
	Value string
}

// AttributeMap lists attributes by their names.
func AttributeMap(list []Attribute) map[string]string {
	m := make(map[string]string, len(list)+1)
	for _, a := range list {
		m[a.Name] = a.Value
	}
	return m
}

// SecretHash proves that the caller knows the client's secret.
func (a AppClient) SecretHash(userName string) string {
	mac := hmac.New(sha256.New, []byte(a.Secret))
	mac.Write([]byte(userName + a.ID))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
