package triggers

// Gap: the emulator fires no UserMigration. Delete this file and cognito/migration.py when
// it does.

import (
	"context"
	"encoding/json"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// migrateUser is an operation of the proxy's own; cognito/migration.py answers it.
const migrateUser = "MigrateUser"

// passwordFlows send a password as it is. Cognito calls UserMigration for no other.
var passwordFlows = map[string]bool{"USER_PASSWORD_AUTH": true, "ADMIN_USER_PASSWORD_AUTH": true, "ADMIN_NO_SRP_AUTH": true}

type migrationRequest struct {
	Password       *string           `json:"password"`
	ValidationData map[string]string `json:"validationData"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

type migrationResponse struct {
	UserAttributes         map[string]string `json:"userAttributes"`
	FinalUserStatus        *string           `json:"finalUserStatus"`
	MessageAction          *string           `json:"messageAction"`
	DesiredDeliveryMediums []string          `json:"desiredDeliveryMediums"`
	ForceAliasCreation     *bool             `json:"forceAliasCreation"`
}

// migrate fires UserMigration for a user that the pool does not have, and creates the one
// that the function returns. Of an error the person learns nothing where the client hides
// whether a user exists: the emulator then answers about an unknown user
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-migrate-user.html,
// https://repost.aws/knowledge-center/cognito-migration-lambda-trigger-errors).
func (t *Triggers) migrate(ctx context.Context, cl upstream.AppClient, p upstream.Pool, source, name string, request migrationRequest, trace string) error {
	if p.Function("UserMigration") == "" || name == "" {
		return nil
	}
	if _, found, err := t.up.User(ctx, p.ID, name); err != nil || found {
		return err
	}
	ev := newEvent(p, source, cl.ID, name, request)
	ev.Response = migrationResponse{}
	answer, err := t.answered(ctx, p, "UserMigration", ev, trace)
	var out struct{ Response migrationResponse }
	if err == nil && (json.Unmarshal(answer, &out) != nil || len(out.Response.UserAttributes) == 0) {
		err = upstream.Refuse("InvalidLambdaResponseException", "Unrecognizable lambda output")
	}
	if err == nil {
		err = t.create(ctx, p, name, request.Password, out.Response)
	}
	switch {
	case err == nil:
		return nil
	case cl.HidesUsers():
		t.log.InfoContext(ctx, "user not migrated", "source", source)
		return nil
	}
	return upstream.Refuse("UserNotFoundException", "Exception migrating user in app client "+cl.ID)
}

// create makes the user. Cognito does not ask the pool's policy about the password.
func (t *Triggers) create(ctx context.Context, p upstream.Pool, name string, password *string, r migrationResponse) error {
	attributes := []upstream.Attribute{}
	for key, value := range r.UserAttributes {
		attributes = append(attributes, upstream.Attribute{Name: key, Value: value})
	}
	in := map[string]any{"UserPoolId": p.ID, "Username": name, "UserAttributes": attributes, "MessageAction": "SUPPRESS"}
	if err := t.up.Directory(ctx, "AdminCreateUser", in, nil); err != nil {
		return err
	}
	status := "RESET_REQUIRED"
	if r.FinalUserStatus != nil && *r.FinalUserStatus == "CONFIRMED" {
		status = "CONFIRMED"
	}
	return t.up.Directory(ctx, migrateUser, map[string]any{"UserPoolId": p.ID, "Username": name, "Password": password, "Status": status}, nil)
}

// forgotPassword fires UserMigration before the code is sent.
func (t *Triggers) forgotPassword(ctx context.Context, c upstream.Call) (*upstream.Answer, error) {
	cl, p, ok, err := t.up.ClientPool(ctx, c.Input.ClientID)
	if err != nil {
		return nil, err
	}
	if ok {
		request := migrationRequest{ClientMetadata: c.Input.ClientMetadata}
		if err := t.migrate(ctx, cl, p, "UserMigration_ForgotPassword", c.Input.Username, request, c.Trace); err != nil {
			return nil, err
		}
	}
	return t.codeSent("CustomMessage_ForgotPassword", upstream.ResetCode)(ctx, c)
}

// MigrateSignIn fires UserMigration for a person who signs in on the hosted pages.
func (t *Triggers) MigrateSignIn(ctx context.Context, cl upstream.AppClient, p upstream.Pool, name, password, trace string) error {
	return t.migrate(ctx, cl, p, "UserMigration_Authentication", name, migrationRequest{Password: &password}, trace)
}
