package templates

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// promise is a setting that protects users, and what happens without it. Most of them
// have no visible effect in normal use.
type promise struct{ setting, want, lost string }

func poolPromises() []promise {
	return []promise{
		{"AdminCreateUserConfig.AllowAdminCreateUserOnly", "false", "nobody can sign up"},
		{"AutoVerifiedAttributes", "email", "addresses are not verified"},
		{"DeletionProtection", "!If[IsLocal INACTIVE ACTIVE]", "one call deletes all users"},
		{"EnabledMfas", "SOFTWARE_TOKEN_MFA", "nobody can have a second factor"},
		{"MfaConfiguration", "OPTIONAL", "nobody can have a second factor"},
		{"UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate", "email", "an account can get an unverified address"},
		{"UsernameAttributes", "email", "users sign in with names instead of addresses"},
		{"UsernameConfiguration.CaseSensitive", "false", "one address can have two accounts"},
		{"LambdaConfig.CustomMessage", "!If[CustomMessageOn {{resolve:ssm:/gatehouse/${Environment}/messages/custommessage-arn}} ref:AWS::NoValue]", "Cognito's own texts are sent"},
		{"LambdaConfig.CreateAuthChallenge", "!If[PasswordlessOn {{resolve:ssm:/gatehouse/${Environment}/passwordless/challenge-arn}} ref:AWS::NoValue]", "nobody signs in by mail"},
		{"LambdaConfig.DefineAuthChallenge", "!If[PasswordlessOn {{resolve:ssm:/gatehouse/${Environment}/passwordless/challenge-arn}} ref:AWS::NoValue]", "nobody signs in by mail"},
		{"LambdaConfig.InboundFederation", "!If[GivenInboundFederation {LambdaArn=ref:InboundFederationArn LambdaVersion=V1_0} ref:AWS::NoValue]", "an update detaches a function that decides what identity providers may say, or attaches one unasked"},
		{"LambdaConfig.PostAuthentication", "!If[PostAuthenticationOn {{resolve:ssm:/gatehouse/${Environment}/signin-audit/postauthentication-arn}} ref:AWS::NoValue]", "no event reports a sign-in"},
		{"LambdaConfig.PostConfirmation", "!If[PostConfirmationOn {{resolve:ssm:/gatehouse/${Environment}/user-events/postconfirmation-arn}} ref:AWS::NoValue]", "no event reports a new user"},
		{"LambdaConfig.UserMigration", "!If[UserMigrationOn {{resolve:ssm:/gatehouse/${Environment}/migration/usermigration-arn}} ref:AWS::NoValue]", "people of the old system are not let in"},
		{"LambdaConfig.PreAuthentication", "!If[PreAuthenticationOn {{resolve:ssm:/gatehouse/${Environment}/signin-audit/preauthentication-arn}} ref:AWS::NoValue]", "no event reports an attempt"},
		{"LambdaConfig.VerifyAuthChallengeResponse", "!If[PasswordlessOn {{resolve:ssm:/gatehouse/${Environment}/passwordless/challenge-arn}} ref:AWS::NoValue]", "nobody signs in by mail"},
		{"LambdaConfig.PreSignUp", "!If[PreSignUpOn {{resolve:ssm:/gatehouse/${Environment}/signup-guard/presignup-arn}} ref:AWS::NoValue]", "every address may sign up"},
	}
}

func clientPromises(machine bool) []promise {
	all := []promise{
		{"AccessTokenValidity", "15", "the token of a disabled user stays valid for an hour"},
		{"PreventUserExistenceErrors", "ENABLED", "responses reveal who has an account, and unknown users cause no event"},
	}
	if !machine {
		all = append(all,
			promise{"EnableTokenRevocation", "true", "a stolen token cannot be revoked"},
			promise{"GenerateSecret", "false", "every copy of the app contains a secret"},
			promise{"IdTokenValidity", "15", "the token of a disabled user stays valid for an hour"},
			promise{"TokenValidityUnits", "{IdToken=minutes AccessToken=minutes RefreshToken=days}", "15 means hours"},
		)
	}
	return all
}

// pool: the user pool and its clients have the settings that protect users.
func pool(all []*template.Template) []string {
	var out []string
	check := func(r template.Resource, promises []promise) {
		for _, p := range promises {
			got := ""
			if v := r.Prop(strings.Split(p.setting, ".")...); v != nil {
				got = repository.Flat(v)
			}
			if got != p.want {
				out = append(out, fmt.Sprintf("%s: %s is %q, want %q: otherwise %s", r, p.setting, got, p.want, p.lost))
			}
		}
	}
	for _, t := range all {
		for _, p := range t.Resources("AWS::Cognito::UserPool") {
			check(p, poolPromises())
		}
		for _, c := range t.Resources("AWS::Cognito::UserPoolClient") {
			flows := strings.Join(template.Texts(c.Prop("AllowedOAuthFlows")), " ")
			check(c, clientPromises(flows == "client_credentials"))
			if strings.Contains(flows, "implicit") || strings.Contains(flows, " ") {
				out = append(out, c.String()+": AllowedOAuthFlows has several flows, or one that puts tokens into the browser's history")
			}
		}
	}
	return out
}

func TestPool(t *testing.T) {
	t.Parallel()
	repository.Report(t, pool(repository.Templates(t)))
}

// TestPoolPlanted plants errors in the platform's own template.
func TestPoolPlanted(t *testing.T) {
	t.Parallel()
	repository.PlantIn(t, "platform/template.yaml", pool, map[string]repository.Planted{
		"not_protected":    {"DeletionProtection: !If [IsLocal, INACTIVE, ACTIVE]", "DeletionProtection: INACTIVE", "one call deletes all users"},
		"trigger_lost":     {"signup-guard/presignup-arn}}", "signup-guard/other-arn}}", "every address may sign up"},
		"inbound_always":   {"InboundFederation: !If [GivenInboundFederation", "InboundFederation: !If [PreSignUpOn", "attaches one unasked"},
		"case_sensitive":   {"CaseSensitive: false", "CaseSensitive: true", "one address can have two accounts"},
		"tells_who":        {"      PreventUserExistenceErrors: ENABLED\n", "", "WebClient: PreventUserExistenceErrors"},
		"hours":            {"IdToken: minutes, AccessToken: minutes", "IdToken: minutes, AccessToken: hours", "15 means hours"},
		"implicit":         {"AllowedOAuthFlows: [code]", "AllowedOAuthFlows: [code, implicit]", "browser's history"},
		"secret_in_a_page": {"GenerateSecret: false", "GenerateSecret: true", "contains a secret"},
	})
}
