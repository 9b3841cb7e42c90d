package proxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
)

const cognitoTarget = "AWSCognitoIdentityProviderService."

// directory reads what Cognito itself would know when it fires a trigger: which
// pool a client belongs to, which functions the pool names, who the user is.
//
// Only client -> pool is kept, because it never changes while the client lives and
// an unknown client is looked up afresh. Everything else is read for every call: a
// stack update may change a trigger between two sign-ins.
type directory struct {
	up    *upstream
	mu    sync.Mutex
	pools map[string]string
}

// client is an app client with the settings that decide about triggers.
type client struct {
	ID        string   `json:"ClientId"`
	PoolID    string   `json:"UserPoolId"`
	Secret    string   `json:"ClientSecret"`
	Flows     []string `json:"ExplicitAuthFlows"`
	Existence string   `json:"PreventUserExistenceErrors"`
	Logout    []string `json:"LogoutURLs"`
}

// hidesUsers tells whether unknown users must look like known ones.
func (c client) hidesUsers() bool { return c.Existence == "ENABLED" }

// pool is a user pool with its triggers.
type pool struct {
	ID           string         `json:"Id"`
	ARN          string         `json:"Arn"`
	Lambdas      map[string]any `json:"LambdaConfig"`
	AutoVerified []string       `json:"AutoVerifiedAttributes"`
	Aliases      []string       `json:"UsernameAttributes"`
	Policies     struct{ PasswordPolicy passwordPolicy }
	AdminCreate  struct{ AllowAdminCreateUserOnly bool } `json:"AdminCreateUserConfig"`

	UpdateSettings struct {
		VerifyFirst []string `json:"AttributesRequireVerificationBeforeUpdate"`
	} `json:"UserAttributeUpdateSettings"`
}

// passwordPolicy is what the pool asks of a password.
type passwordPolicy struct {
	MinimumLength                                                      int
	RequireLowercase, RequireUppercase, RequireNumbers, RequireSymbols bool
}

// function is the ARN that the pool names for a trigger, or nothing.
func (p pool) function(trigger string) string {
	arn, _ := p.Lambdas[trigger].(string)
	return arn
}

// user is a user as a trigger's event shows one.
type user struct {
	Name       string
	Status     string
	Attributes map[string]string
}

var errNoSuchClient = errors.New("edge: no such client")

// client finds an app client by its id in any pool.
func (d *directory) client(ctx context.Context, id string) (client, error) {
	if id == "" {
		return client{}, errNoSuchClient
	}
	if poolID := d.cached(id); poolID != "" {
		c, err := d.describeClient(ctx, poolID, id)
		if !isAPI(err, "ResourceNotFoundException") {
			return c, err
		}
		d.forget(id)
	}
	if err := d.scan(ctx); err != nil {
		return client{}, err
	}
	poolID := d.cached(id)
	if poolID == "" {
		return client{}, errNoSuchClient
	}
	return d.describeClient(ctx, poolID, id)
}

func (d *directory) cached(id string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pools[id]
}

func (d *directory) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pools, id)
}

// scan reads every client of every pool.
func (d *directory) scan(ctx context.Context) error {
	found := map[string]string{}
	for token := ""; ; {
		var out struct {
			UserPools []struct {
				ID string `json:"Id"`
			}
			NextToken string
		}
		if err := d.call(ctx, "ListUserPools", page(60, token), &out); err != nil {
			return err
		}
		for _, p := range out.UserPools {
			if err := d.scanPool(ctx, p.ID, found); err != nil {
				return err
			}
		}
		if token = out.NextToken; token == "" {
			break
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pools == nil {
		d.pools = map[string]string{}
	}
	maps.Copy(d.pools, found)
	return nil
}

func (d *directory) scanPool(ctx context.Context, poolID string, found map[string]string) error {
	for token := ""; ; {
		var out struct {
			UserPoolClients []struct {
				ClientID string `json:"ClientId"`
			}
			NextToken string
		}
		in := page(60, token)
		in["UserPoolId"] = poolID
		err := d.call(ctx, "ListUserPoolClients", in, &out)
		if isAPI(err, "ResourceNotFoundException") {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
		for _, c := range out.UserPoolClients {
			found[c.ClientID] = poolID
		}
		if token = out.NextToken; token == "" {
			return nil
		}
	}
}

func page(size int, token string) map[string]any {
	in := map[string]any{"MaxResults": size}
	if token != "" {
		in["NextToken"] = token
	}
	return in
}

func (d *directory) describeClient(ctx context.Context, poolID, id string) (client, error) {
	var out struct{ UserPoolClient client }
	err := d.call(ctx, "DescribeUserPoolClient", map[string]any{"UserPoolId": poolID, "ClientId": id}, &out)
	return out.UserPoolClient, err
}

// pool reads a pool.
func (d *directory) pool(ctx context.Context, id string) (pool, error) {
	var out struct{ UserPool pool }
	err := d.call(ctx, "DescribeUserPool", map[string]any{"UserPoolId": id}, &out)
	return out.UserPool, err
}

// user finds a user by name, sub or alias; found is false when there is none.
func (d *directory) user(ctx context.Context, poolID, name string) (u user, found bool, err error) {
	var out struct {
		Username       string
		UserStatus     string
		UserAttributes []attribute
	}
	err = d.call(ctx, "AdminGetUser", map[string]any{"UserPoolId": poolID, "Username": name}, &out)
	if isAPI(err, "UserNotFoundException") {
		return user{}, false, nil
	}
	if err != nil {
		return user{}, false, err
	}
	return user{Name: out.Username, Status: out.UserStatus, Attributes: attributeMap(out.UserAttributes)}, true, nil
}

// parameter reads an SSM parameter; it is empty when there is none.
func (d *directory) parameter(ctx context.Context, name string) (string, error) {
	var out struct {
		Parameter struct{ Value string }
	}
	err := d.up.json(ctx, "ssm", "AmazonSSM.GetParameter", map[string]string{"Name": name}, &out)
	if isAPI(err, "ParameterNotFound") {
		return "", nil
	}
	return out.Parameter.Value, err
}

func (d *directory) call(ctx context.Context, action string, in, out any) error {
	if err := d.up.json(ctx, "cognito-idp", cognitoTarget+action, in, out); err != nil {
		return fmt.Errorf("edge: directory: %w", err)
	}
	return nil
}

// attribute is a name and value as Cognito lists them.
type attribute struct {
	Name  string
	Value string
}

func attributeMap(list []attribute) map[string]string {
	m := make(map[string]string, len(list)+1)
	for _, a := range list {
		m[a.Name] = a.Value
	}
	return m
}
