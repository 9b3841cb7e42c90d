package e2e

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"gatehouse.example/tools/actors"
)

// as is the same system with other credentials.
func (s *system) as(key, secret, session string) *system {
	other := *s
	other.env = maps.Clone(s.env)
	other.env["AWS_ACCESS_KEY_ID"], other.env["AWS_SECRET_ACCESS_KEY"], other.env["AWS_SESSION_TOKEN"] = key, secret, session
	return &other
}

// provider is the user pool as the identity pool names it.
func (s *system) provider() string {
	return "cognito-idp." + s.env["AWS_REGION"] + ".amazonaws.com/" + s.env["USER_POOL_ID"]
}

// identity asks the identity pool for credentials. Without a token they are a guest's.
func (s *system) identity(t *testing.T, token string) (*system, error) {
	t.Helper()
	guest := actors.Guest{Base: s.env.Config(), IdentityPoolID: s.env["IDENTITY_POOL_ID"]}
	if token != "" {
		guest.Logins = map[string]string{s.provider(): token}
	}
	cfg, err := guest.Credentials(t.Context())
	if err != nil {
		return nil, err
	}
	key := must(cfg.Credentials.Retrieve(t.Context()))(t)
	return s.as(key.AccessKeyID, key.SecretAccessKey, key.SessionToken), nil
}

func (s *system) guest(t *testing.T) *system {
	t.Helper()
	return must(s.identity(t, ""))(t)
}

// user is a signed-in person with credentials of the identity pool.
func (s *system) user(t *testing.T) (*system, *person) {
	t.Helper()
	p := s.member(t)
	return must(s.identity(t, p.tokens(t).id))(t), p
}

// TestGuestPermissions tries a guest's credentials on what an attacker would.
func TestGuestPermissions(t *testing.T) {
	t.Parallel()
	s := start(t)
	guest := s.guest(t)
	out, err := guest.run(t, "aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text")
	if err != nil || !strings.Contains(out, "assumed-role/gatehouse-local-platform-guests/") {
		t.Fatalf("a guest is %s, %v", out, err)
	}
	pool, own, others := s.env["USER_POOL_ID"], s.env["CLIENT_EVENTS_GUEST_QUEUE_URL"], s.env["CLIENT_EVENTS_USER_QUEUE_URL"]
	function := "gatehouse-local-user-events-client-events"
	for name, command := range map[string]string{
		"send_as_a_user":        "sqs send-message --message-body {} --queue-url " + others,
		"send_to_the_outbox":    "sqs send-message --message-body {} --queue-url " + strings.Replace(own, "client-events-guest", "outbox", 1),
		"read_its_own_queue":    "sqs receive-message --queue-url " + own,
		"empty_its_own_queue":   "sqs purge-queue --queue-url " + own,
		"open_its_own_queue":    "sqs set-queue-attributes --attributes Policy= --queue-url " + own,
		"see_its_own_queue":     "sqs get-queue-attributes --attribute-names All --queue-url " + own,
		"see_queues":            "sqs list-queues",
		"read_dead_letters":     "sqs receive-message --queue-url " + own + "-dlq",
		"publish":               "sns publish --message x --topic-arn " + s.env["TOPIC_ARN"],
		"subscribe":             "sns subscribe --protocol sqs --notification-endpoint arn:aws:sqs:us-east-1:000000000000:x --topic-arn " + s.env["TOPIC_ARN"],
		"read_the_audit_trail":  "dynamodb scan --table-name " + s.env["AUDIT_TABLE"],
		"write_the_audit_trail": `dynamodb put-item --item {"pk":{"S":"x"},"sk":{"S":"x"}} --table-name ` + s.env["AUDIT_TABLE"],
		"put_on_the_bus":        `events put-events --entries [{"Source":"x","DetailType":"x","Detail":"{}","EventBusName":"` + s.env["BUS_NAME"] + `"}]`,
		"read_names":            "ssm get-parameter --name /gatehouse/local/platform/user-pool-id",
		"read_users":            "cognito-idp list-users --user-pool-id " + pool,
		"make_users":            "cognito-idp admin-create-user --username x@example.net --user-pool-id " + pool,
		"read_the_secret":       "cognito-idp describe-user-pool-client --client-id " + s.env["MACHINE_CLIENT_ID"] + " --user-pool-id " + pool,
		"change_the_pool":       "cognito-idp update-user-pool --user-pool-id " + pool,
		"change_its_roles":      "cognito-identity set-identity-pool-roles --roles {} --identity-pool-id " + s.env["IDENTITY_POOL_ID"],
		"see_identities":        "cognito-identity list-identities --max-results 1 --identity-pool-id " + s.env["IDENTITY_POOL_ID"],
		"call_a_function":       "lambda invoke --function-name " + function + " /dev/null",
		"change_a_function":     "lambda update-function-configuration --timeout 1 --function-name " + function,
		"read_buckets":          "s3api list-buckets",
		"use_the_topics_key":    "kms encrypt --plaintext eA== --key-id " + s.env["TOPIC_KEY_ARN"],
		"become_the_users_role": "sts assume-role --role-session-name xyz --role-arn arn:aws:iam::000000000000:role/gatehouse/local/platform/gatehouse-local-platform-users",
		"see_roles":             "iam list-roles",
		"read_logs":             "logs describe-log-groups",
		"write_metrics":         "cloudwatch put-metric-data --namespace Gatehouse --metric-name UsersCreated --value 1",
		"see_stacks":            "cloudformation describe-stacks",
		"delete_the_platform":   "cloudformation delete-stack --stack-name gatehouse-local-platform",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"--endpoint-url", s.env["AWS_ENDPOINT_URL"]}, strings.Fields(command)...)
			out, err := guest.run(t, "aws", args...)
			if err == nil || !strings.Contains(out, "AccessDenied") && !strings.Contains(out, "AuthorizationError") && !strings.Contains(out, "not authorized") {
				t.Errorf("aws %s: %v\n%s", command, err, out)
			}
		})
	}
}

// TestUserPermissions tries less with the credentials of somebody who has signed in:
// the two roles differ in their queue only.
func TestUserPermissions(t *testing.T) {
	t.Parallel()
	s := start(t)
	user, _ := s.user(t)
	own := s.env["CLIENT_EVENTS_USER_QUEUE_URL"]
	for name, command := range map[string]string{
		"send_as_a_guest":      "sqs send-message --message-body {} --queue-url " + s.env["CLIENT_EVENTS_GUEST_QUEUE_URL"],
		"read_its_own_queue":   "sqs receive-message --queue-url " + own,
		"read_the_audit_trail": "dynamodb scan --table-name " + s.env["AUDIT_TABLE"],
		"publish":              "sns publish --message x --topic-arn " + s.env["TOPIC_ARN"],
		"read_users":           "cognito-idp list-users --user-pool-id " + s.env["USER_POOL_ID"],
		"become_the_guests":    "sts assume-role --role-session-name xyz --role-arn arn:aws:iam::000000000000:role/gatehouse/local/platform/gatehouse-local-platform-guests",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"--endpoint-url", s.env["AWS_ENDPOINT_URL"]}, strings.Fields(command)...)
			out, err := user.run(t, "aws", args...)
			if err == nil || !strings.Contains(out, "AccessDenied") && !strings.Contains(out, "not authorized") {
				t.Errorf("aws %s: %v\n%s", command, err, out)
			}
		})
	}
}

// TestInvalidTokensGiveNoCredentials tries tokens that must not give a user's credentials.
func TestInvalidTokensGiveNoCredentials(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	tokens := p.tokens(t)
	machine := s.machine("gatehouse/client")
	id := tokens.id
	for name, token := range map[string]string{
		"access_token":      tokens.access,
		"refresh_token":     tokens.refresh,
		"machine":           must(machine.Token(t.Context()))(t).AccessToken,
		"changed_signature": id[:len(id)-8] + "AAAAAAAA",
		"unsigned":          unsigned(id),
		"no_token":          "x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refusal smithy.APIError
			if _, err := s.identity(t, token); !errors.As(err, &refusal) {
				t.Errorf("got %v, want a refusal", err)
			}
		})
	}
}

// unsigned is a token with alg none and no signature.
func unsigned(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	return "eyJhbGciOiJub25lIn0." + payload + "."
}
