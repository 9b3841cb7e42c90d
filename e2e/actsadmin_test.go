package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/contracts"
)

// adminActs are what administrators do to accounts.
func adminActs() []act {
	// by is an administrator's call about ada.
	by := func(call func(*testing.T, *stage, *string) error) func(*testing.T, *stage) {
		return func(t *testing.T, g *stage) { check(t, call(t, g, &g.people["ada"].Email)) }
	}
	root := func(typ string) []caused { return []caused{{typ, "ada", `{` + byRoot + `}`}} }
	group := func(typ string) []caused { return []caused{{typ, "ada", `{` + byRoot + `,"group":"public-app-user"}`}} }
	changed := func(how string) []caused {
		return []caused{{contracts.TypePasswordChanged, "ada", `{` + byRoot + `,"how":"` + how + `"}`}}
	}
	return []act{
		{"ada joins a group", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.cognito.AdminAddUserToGroup(t.Context(), &cognito.AdminAddUserToGroupInput{UserPoolId: g.s.pool(), Username: name, GroupName: aws.String("public-app-user")})
			return err
		}), group(contracts.TypeGroupAdded)},
		{"ada leaves it", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.cognito.AdminRemoveUserFromGroup(t.Context(), &cognito.AdminRemoveUserFromGroupInput{UserPoolId: g.s.pool(), Username: name, GroupName: aws.String("public-app-user")})
			return err
		}), group(contracts.TypeGroupRemoved)},
		{"an administrator changes her name", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.cognito.AdminUpdateUserAttributes(t.Context(), &cognito.AdminUpdateUserAttributesInput{
				UserPoolId: g.s.pool(), Username: name, UserAttributes: []types.AttributeType{{Name: aws.String("name"), Value: aws.String("Ada")}},
			})
			return err
		}), []caused{{contracts.TypeAttributesChanged, "ada", `{` + byRoot + `,"change":"updated"}`}}},
		{"an administrator looks at her", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.cognito.AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: g.s.pool(), Username: name})
			return err
		}), nil},
		{"an administrator sets her password", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.cognito.AdminSetUserPassword(t.Context(), &cognito.AdminSetUserPasswordInput{UserPoolId: g.s.pool(), Username: name, Password: aws.String("Correct-horse-7-battery3"), Permanent: true})
			return err
		}), changed("set")},
		{"an administrator signs her out", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.cognito.AdminUserGlobalSignOut(t.Context(), &cognito.AdminUserGlobalSignOutInput{UserPoolId: g.s.pool(), Username: name})
			return err
		}), root(contracts.TypeSignedOut)},
		{"support disables her", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.support.AdminDisableUser(t.Context(), &cognito.AdminDisableUserInput{UserPoolId: g.s.pool(), Username: name})
			return err
		}), []caused{{contracts.TypeUserDisabled, "ada", `{"by":{"kind":"role","name":"` + supportRole + `"}}`}}},
		{"support may not enable her", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.support.AdminEnableUser(t.Context(), &cognito.AdminEnableUserInput{UserPoolId: g.s.pool(), Username: name})
			refuses(t, "AccessDeniedException", err)
			return nil
		}), nil},
		{"she signs in while she is disabled", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.signIn(t, *name, "Correct-horse-7-battery3")
			refuses(t, "NotAuthorizedException", err)
			return nil
		}), []caused{attempted("ada"), failed("ada", `{"reason":"disabled","via":"api"}`)}},
		{"an administrator enables her", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.cognito.AdminEnableUser(t.Context(), &cognito.AdminEnableUserInput{UserPoolId: g.s.pool(), Username: name})
			return err
		}), root(contracts.TypeUserEnabled)},
		{"an administrator invalidates her password", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.cognito.AdminResetUserPassword(t.Context(), &cognito.AdminResetUserPasswordInput{UserPoolId: g.s.pool(), Username: name})
			return err
		}), changed("invalidated")},
		{"she signs in before she has set another", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.signIn(t, *name, "Correct-horse-7-battery3")
			refuses(t, "PasswordResetRequiredException", err)
			return nil
		}), []caused{attempted("ada"), failed("ada", `{"reason":"reset-required","via":"api"}`)}},
		{"she mistypes the code for another", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.cognito.ConfirmForgotPassword(t.Context(), &cognito.ConfirmForgotPasswordInput{ClientId: g.app, Username: name, ConfirmationCode: aws.String("000000"), Password: aws.String("Correct-horse-7-battery4")})
			refuses(t, "CodeMismatchException", err)
			return nil
		}), nil},
		{"she sets another", by(func(t *testing.T, g *stage, name *string) error {
			_, err := g.cognito.ConfirmForgotPassword(t.Context(), &cognito.ConfirmForgotPasswordInput{ClientId: g.app, Username: name, ConfirmationCode: aws.String(resetCode), Password: aws.String("Correct-horse-7-battery4")})
			return err
		}), []caused{{contracts.TypePasswordReset, "ada", nothing}}},
	}
}

// lastActs are those of other people, and the end of all accounts.
func lastActs() []act {
	deleted := func(who, by string) []caused {
		return []caused{{contracts.TypeUserDeleted, who, `{` + by + `}`}}
	}
	remove := func(who string) act {
		return act{"an administrator deletes " + who, func(t *testing.T, g *stage) {
			must(g.cognito.AdminDeleteUser(t.Context(), &cognito.AdminDeleteUserInput{UserPoolId: g.s.pool(), Username: &g.people[who].Email}))(t)
		}, deleted(who, byRoot)}
	}
	removeClient := func(who string, client func(*stage) *string) act {
		return act{"the client of " + who + " is deleted", func(t *testing.T, g *stage) {
			must(g.cognito.DeleteUserPoolClient(t.Context(), &cognito.DeleteUserPoolClientInput{UserPoolId: g.s.pool(), ClientId: client(g)}))(t)
		}, []caused{poolChanged(who, "client", "DeleteUserPoolClient")}}
	}
	return []act{
		{"an administrator makes an account for dora", func(t *testing.T, g *stage) {
			p := g.people["dora"]
			made := must(g.cognito.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{
				UserPoolId: g.s.pool(), Username: &p.Email, TemporaryPassword: aws.String("Temporary-7-battery"), MessageAction: types.MessageActionTypeSuppress,
				UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &p.Email}},
			}))(t)
			for _, a := range made.User.Attributes {
				if *a.Name == "sub" {
					p.Sub = *a.Value
				}
			}
		}, []caused{allowed("dora"), {contracts.TypeUserCreated, "dora", `{"via":"admin"}`}}},
		{"dora signs in", func(t *testing.T, g *stage) {
			g.session = must(g.signIn(t, g.people["dora"].Email, "Temporary-7-battery"))(t).Session
		}, []caused{attempted("dora")}},
		{"she sets her own password", func(t *testing.T, g *stage) {
			must(g.answer(t, types.ChallengeNameTypeNewPasswordRequired, g.session, map[string]string{"USERNAME": g.people["dora"].Email, "NEW_PASSWORD": password}))(t)
		}, []caused{succeeded("dora")}},
		{"cleo signs up", func(t *testing.T, g *stage) { g.people["cleo"].signUp(t) }, []caused{allowed("cleo")}},
		{"cleo confirms", func(t *testing.T, g *stage) { g.people["cleo"].confirm(t) }, []caused{{contracts.TypeUserCreated, "cleo", `{"via":"signup"}`}}},
		{"cleo signs in", func(t *testing.T, g *stage) { g.people["cleo"].signIn(t) }, []caused{attempted("cleo"), succeeded("cleo")}},
		{"cleo gives a disposable address", func(t *testing.T, g *stage) {
			p := g.people["cleo"]
			must(g.cognito.UpdateUserAttributes(t.Context(), &cognito.UpdateUserAttributesInput{
				AccessToken: &p.AccessToken, UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String(p.local + "@mailinator.com")}},
			}))(t)
		}, []caused{{contracts.TypeAttributesChanged, "cleo", `{` + byUser + `,"change":"updated"}`}}},
		{"cleo proves it", func(t *testing.T, g *stage) {
			must(g.cognito.VerifyUserAttribute(t.Context(), &cognito.VerifyUserAttributeInput{
				AccessToken: &g.people["cleo"].AccessToken, AttributeName: aws.String("email"), Code: aws.String(signUpCode),
			}))(t)
			g.found(t, "cleo") // before she is deleted: afterwards nobody knows her address
		}, []caused{{contracts.TypeAttributesChanged, "cleo", `{` + byUser + `,"change":"verified"}`}, {typ: contracts.TypeSecurityFinding, who: "cleo"}}},
		{"cleo deletes her account", func(t *testing.T, g *stage) {
			must(g.cognito.DeleteUser(t.Context(), &cognito.DeleteUserInput{AccessToken: &g.people["cleo"].AccessToken}))(t)
		}, deleted("cleo", byUser)},
		remove("ada"), remove("dora"),
		removeClient("app", func(g *stage) *string { return g.app }),
		removeClient("machine", func(g *stage) *string { return g.machine }),
	}
}
