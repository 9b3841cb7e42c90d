package builds

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// guestQueue is the queue of the guests' apps.
const guestQueue = "arn:aws:sqs:eu-central-1:111122223333:guests"

// payloads are the events of each function. url is where CloudFormation waits for answers.
func payloads(url string) map[string][]string {
	attempted, rejected, unknown := cloudEvent("gatehouse.user.signin.attempted.v1"), cloudEvent("gatehouse.user.signup.rejected.v1"), cloudEvent("gatehouse.other.v1")
	created := cloudEvent("gatehouse.user.created.v1")
	// Nobody is mailed news of yesterday.
	fresh := strings.Replace(cloudEvent("gatehouse.user.password.reset.v1"), "2026-11-22T09:30:00Z", time.Now().UTC().Format(time.RFC3339), 1)
	events := []string{batch("arn:aws:sqs:eu-central-1:111122223333:q", attempted, rejected, unknown, created, "{{not an event}}", `{"specversion":"{{version}}"}`)}
	events = append(events, attempted, rejected, created) // to be put into a batch, as they are and with faults
	apps := []string{batch(guestQueue, `{"name":"{{app name}} x"}`, `{"name":"a","{{app field}}":1}`, `{"name":"a","data":{"k":"{{app sentence}} and more"}}`,
		`{"name":"a","data":{"{{app key}} y":1}}`, `{"name":"a","time":"{{app time}}"}`, `{"name":"a","data":{"phone":{{#app number}}99999}}`, "{{app text}}", `{"name":"fine"}`)}
	var api []string
	for _, route := range []string{"/guest", "/user", "/openapi.json", "/schemas", "/schemas/{name}", "/catalogue", "/nowhere"} {
		api = append(api, request("GET", route, "id"))
	}
	api = append(api, request("OPTIONS", "/user", "id"), request("POST", "/guest", "id"), request("GET", "/client", "machine"), request("GET", "/client", "id"))
	bad := strings.Replace(request("GET", "/activity", "id"), `"limit":"20"`, `"cursor":"{{cursor}}","{{parameter}}":"{{value}}"`, 1)
	return map[string][]string{
		"messages/custommessage":          {mailing("CustomMessage_SignUp"), mailing("CustomMessage_AdminCreateUser"), trigger("Other")},
		"migration/usermigration":         {typed("UserMigration_Authentication"), typed("UserMigration_ForgotPassword"), trigger("UserMigration_Authentication"), trigger("Other")},
		"migration/announcer":             {batch("arn:aws:sqs:eu-central-1:111122223333:q", arrival, "{{not a message}}")},
		"messages/notices":                append(slices.Clone(events), batch("arn:aws:sqs:eu-central-1:111122223333:q", fresh), fresh),
		"passwordless/challenge":          {trigger("DefineAuthChallenge_Authentication"), trigger("CreateAuthChallenge_Authentication"), trigger("VerifyAuthChallengeResponse_Authentication"), trigger("Other")},
		"passwordless/sender":             {batch("arn:aws:sqs:eu-central-1:111122223333:q", letter, `{"id":"{{letter id}}","expiresAt":1,"sealed":"c2VhbGVk"}`, "{{not a letter}}")},
		"signup-guard/presignup":          {trigger("PreSignUp_SignUp"), trigger("PreSignUp_AdminCreateUser"), trigger("PreSignUp_ExternalProvider"), trigger("Other")},
		"signup-guard/address-changed":    append(slices.Clone(events), batch("arn:aws:sqs:eu-central-1:111122223333:q", cloudEvent("gatehouse.user.attributes.changed.v1"))),
		"signin-audit/preauthentication":  {trigger("PreAuthentication_Authentication"), trigger("Other")},
		"signin-audit/postauthentication": {trigger("PostAuthentication_Authentication"), trigger("Other")},
		"user-events/postconfirmation":    {trigger("PostConfirmation_ConfirmSignUp"), trigger("PostConfirmation_ConfirmForgotPassword"), trigger("Other")},
		"signin-audit/recorder":           events,
		"user-events/metrics":             events,
		"user-events/bridge":              events,
		"user-events/drain":               events,
		"subscriber/welcome":              events,
		"user-events/client-events":       apps,
		"signin-audit/activity":           {request("GET", "/activity", "id"), request("GET", "/activity/{sub}", "id"), request("GET", "/activity", "machine"), bad},
		"api/handler":                     api,
		"signin-audit/findings":           {`{"source":"aws.events","detail-type":"Scheduled Event","id":"{{id}}"}`},
		"signin-audit/signin-records":     records("InitiateAuth", "NotAuthorizedException", "RespondToAuthChallenge", "CodeMismatchException", "{{name}}", ""),
		"user-events/account-records":     records("AdminDeleteUser", "", "UpdateUserAttributes", "", "AdminAddUserToGroup", "", "UpdateUserPool", "", "{{name}}", ""),
		"user-events/reconciler":          {`{"start":true,"id":"{{id}}"}`},
		"log-encryptor/encryptor":         {record, resource(url, "Create"), resource(url, "Delete"), resource("http://127.0.0.1:1", "Update"), `{"source":"aws.events","detail-type":"Scheduled Event","id":"{{id}}"}`},
	}
}

// letter is a message for the sender of sign-in mails. KMS answers with what is in it.
const letter = `{"id":"k3J2yX0mQh6b1RrG9vTzWw","expiresAt":9999999999,"sealed":"c2VhbGVk"}`

// records are batches of CloudTrail's records: names, each with its error code. Every field
// that may be personal has a marker.
func records(names ...string) []string {
	var bodies []string
	for i := 0; i < len(names); i += 2 {
		bodies = append(bodies, `{"detail-type":"AWS API Call via CloudTrail","source":"aws.cognito-idp","detail":{"eventSource":"cognito-idp.amazonaws.com",
"eventType":"AwsApiCall","eventName":"`+names[i]+`","eventID":"0b1f6d0e-7f0a-4f27-8f35-6f5b1f4b2f09","eventTime":"2026-11-22T09:30:00Z","awsRegion":"eu-central-1",
"recipientAccountId":"111122223333","sourceIPAddress":"{{address}}","userAgent":"{{agent}}","errorCode":"`+names[i+1]+`","errorMessage":"{{message}}",
"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/Admin/{{session name}}","userName":"{{admin}}"},
"requestParameters":{"userPoolId":"`+poolID+`","clientId":"`+clientID+`","username":"{{user name}}","groupName":"group","userAttributes":"{{attributes}}",
"authParameters":{"USERNAME":"{{typed name}}"},"clientMetadata":{"a":"{{metadata}}"}},
"additionalEventData":{"sub":"`+othersSub+`","note":"{{note}}"},"responseElements":{"user":{"username":"{{name in the answer}}"}}}}`)
	}
	return []string{batch("arn:aws:sqs:eu-central-1:111122223333:q", bodies...)}
}

// environment is that of every function.
func environment(url string) []string {
	dead := url + "/111122223333/dead-letters"
	env := []string{
		"DEAD_LETTER_QUEUE_URL=" + dead, "GUEST_DEAD_LETTER_QUEUE_URL=" + dead, "USER_DEAD_LETTER_QUEUE_URL=" + dead,
		"AWS_ENDPOINT_URL=" + url, "AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=ASIAEXAMPLE", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1",
		"GATEHOUSE_ENVIRONMENT=dev", "OUTBOX_URL=" + url + "/111122223333/outbox", "TOPIC_ARN=arn:aws:sns:eu-central-1:111122223333:topic",
		"ANNOUNCER_QUEUE_URL=" + url + "/111122223333/announcer", "MIGRATION_TABLE=migration", "OLD_SYSTEM=table", "REFUSE_AFTER_MS=1", "SECRET_NAME=secret", "TRIES_PER_ADDRESS=1000", "TRIES_PER_MINUTE=100000",
		"AUDIT_TABLE=audit", "CLAIMS_TABLE=claims", "NOTICES_FROM=no-reply@example.org", "SES_REGION=eu-central-1", "LEDGER_TABLE=ledger", "RETENTION_DAYS=90", "BUS_NAME=bus", "EVENTS_PER_MINUTE=100", "CLIENT_TOKENS_PER_HOUR=100", "SETTINGS_NAME=settings", "PAGES_PER_SECOND=5", "GUEST_QUEUE_ARN=" + guestQueue,
		"USER_QUEUE_ARN=arn:aws:sqs:eu-central-1:111122223333:users", "POOL_ARN_NAME=/gatehouse/dev/platform/user-pool-arn", "CLIENT_SCOPE=gatehouse/client",
		"CHALLENGES_TABLE=challenges", "SECRETS_KEY_ARN=arn:aws:kms:eu-central-1:111122223333:key/s", "NAMES_KEY_ARN=arn:aws:kms:eu-central-1:111122223333:key/n",
		"LETTERS_QUEUE_URL=" + url + "/111122223333/letters", "CHALLENGES_PER_ADDRESS=5", "CHALLENGES_PER_CLIENT=600", "VALID_MINUTES=15",
		"EMAIL_FROM=no-reply@example.com", "APP_NAME=Gatehouse", "LINK_URL=https://app.example.com/signin",
		"USER_CLIENT_IDS=" + clientID, "LOG_KEY_ARN=arn:aws:kms:eu-central-1:111122223333:key/1", "INCLUDE_PREFIXES=/a/",
	}
	return env
}

// allowed are the places where a marker may be, each with its reason.
var allowed = []struct {
	function, sink, field string // path.Match patterns
	why                   string
}{
	{"signup-guard/presignup", "answer", "*", "the answer is the event, for Cognito"},
	{"messages/custommessage", "answer", "*", "the answer is the event, for Cognito; a test of the service compares the message"},
	{"migration/usermigration", "answer", "*", "the answer is the event, for Cognito"},
	{"migration/usermigration", "request DynamoDB.GetItem", "typed", "the row of the person who is looked up"},
	{"migration/usermigration", "request AmazonSQS.SendMessage", "typed", "the message by which announcer finds the user"},
	{"migration/announcer", "request AWSCognitoIdentityProvider.ListUsers", "typed", "the user who is looked up"},
	{"migration/announcer", "request AmazonSQS.SendMessage", "*", "a message of another shape is kept as it came"},
	{"passwordless/challenge", "answer", "*", "the answer is the event, for Cognito; a test of the service compares the response"},
	{"passwordless/challenge", "request Trent.Encrypt", "*", "the key seals the letter, address and language included"},
	{"passwordless/sender", "request v2/email/outbound-emails", "letter *", "the mail itself"},
	{"passwordless/sender", "request AmazonSQS.SendMessage", "*", "what is not a letter is kept as it came"},
	{"passwordless/sender", "request Trent.Decrypt", "letter id", "the key opens a letter for its challenge only"},
	{"signin-audit/p*authentication", "answer", "*", "the answer is the event, for Cognito"},
	{"user-events/postconfirmation", "answer", "*", "the answer is the event, for Cognito"},
	{"*/*", "*", "region", "AWS's own, not a person's"},
	{"*/*", "*", "userPoolId", "AWS's own, not a person's"},
	{"*/*", "stdout", "triggerSource", "AWS's own, not a person's"},
	{"*/*", "*", "callerContext.clientId", "the app client is part of an event"},
	{"*/*", "*", "Records.*.messageId", "SQS's own, not a person's"},
	{"*/*", "trace", "resource", "the route, without its parameters"},
	{"*/*", "trace", "httpMethod", "API Gateway's own"},
	{"user-events/bridge", "request AWSEvents.PutEvents", "*", "the event, which has what its schema allows"},
	{"user-events/drain", "request SNS.PublishBatch", "*", "the event, which has what its schema allows"},
	{"signin-audit/recorder", "request DynamoDB.PutItem", "*", "the event, which has what its schema allows"},
	{"signin-audit/recorder", "stdout", "id", "the id and type of a copy that differs"},
	{"signin-audit/recorder", "stdout", "type", "the id and type of a copy that differs"},
	{"user-events/bridge", "stdout", "id", "the line of an event that failed names it, by the characters of ids"},
	{"user-events/bridge", "stdout", "type", "the line of an event that failed names it, by the characters of ids"},
	{"user-events/drain", "stdout", "id", "the line of an event that failed names it, by the characters of ids"},
	{"user-events/drain", "stdout", "type", "the line of an event that failed names it, by the characters of ids"},
	{"user-events/bridge", "request AmazonSQS.SendMessage", "*", "a message that is not an event is kept as it came"},
	{"user-events/client-events", "request AmazonSQS.SendMessage", "*", "a message that is not an event is kept as it came"},
	{"messages/notices", "request AmazonSQS.SendMessage", "*", "a message that is not an event is kept as it came"},
	{"messages/notices", "request v2/email/outbound-emails", "email of ListUsers", "the person's own address"},
	{"messages/notices", "request DynamoDB.PutItem", "id", "the claim's key"},
	{"messages/notices", "request DynamoDB.PutItem", "source", "the claim's key"},
	{"messages/notices", "request AWSCognitoIdentityProvider.ListUsers", "source", "the pool and the user who is mailed"},
	{"messages/notices", "request AWSCognitoIdentityProvider.ListUsers", "subject", "the pool and the user who is mailed"},
	{"signup-guard/address-changed", "request AmazonSQS.SendMessage", "*", "a message that is not an event is kept as it came"},
	{"user-events/drain", "request AmazonSQS.SendMessage", "*", "a message that is not an event is kept as it came"},
	{"user-events/metrics", "request AmazonSQS.SendMessage", "*", "a message that is not an event is kept as it came"},
	{"signin-audit/recorder", "request AmazonSQS.SendMessage", "*", "a message that is not an event is kept as it came"},
	{"signin-audit/signin-records", "request DynamoDB.PutItem", "address", "the row, which alone has the address and the user agent"},
	{"signin-audit/signin-records", "request DynamoDB.PutItem", "agent", "the row, which alone has the address and the user agent"},
	{"signin-audit/signin-records", "request AmazonSQS.SendMessage", "*", "an unknown record is kept as it came"},
	{"user-events/account-records", "request AmazonSQS.SendMessage", "*", "an unknown record is kept as it came"},
	{"user-events/metrics", "request DynamoDB.PutItem", "id", "the ledger's key"},
	{"user-events/metrics", "request DynamoDB.UpdateItem", "source", "the ledger's key of a user"},
	{"user-events/metrics", "request DynamoDB.UpdateItem", "subject", "the ledger's key of a user"},
	{"user-events/metrics", "request AWSCognitoIdentityProvider.ListUsers", "source", "the pool and the user whose sign-up is measured"},
	{"user-events/metrics", "request AWSCognitoIdentityProvider.ListUsers", "subject", "the pool and the user whose sign-up is measured"},
	{"user-events/metrics", "stdout", "id", "the line of an event that failed names it, by the characters of ids"},
	{"user-events/metrics", "request DynamoDB.PutItem", "source", "the ledger's key"},
	{"user-events/metrics", "stdout", "clientid", "a dimension of metrics"},
	{"user-events/metrics", "stdout", "data.reason", "a dimension of metrics"},
	{"subscriber/welcome", "stdout", "id", "the example logs what a mail would be about"},
	{"subscriber/welcome", "stdout", "type", "the example logs what a mail would be about"},
	{"subscriber/welcome", "stdout", "subject", "the example logs what a mail would be about"},
	{"subscriber/welcome", "stdout", "data.via", "the example logs what a mail would be about"},
	{"api/handler", "answer", "*name", "GET /user answers with the person's own claims"},
	{"api/handler", "answer", "local part", "GET /user answers with the person's own claims"},
	{"api/handler", "answer", "requestContext.authorizer.claims.*", "GET /user answers with the person's own claims"},
	{"api/handler", "answer", "stageVariables.signInUrl", "the document names who issues tokens"},
	{"api/handler", "answer", "stageVariables.url", "the document names the API"},
	{"signin-audit/activity", "request AWSCognitoIdentityProvider.Admin*", "user name", "whether an auditor still is one"},
	{"signin-audit/activity", "request AWSCognitoIdentityProvider.Admin*", "requestContext.authorizer.claims.cognito:username", "whether an auditor still is one"},
	{"signin-audit/activity", "request DynamoDB.Query", "requestContext.authorizer.claims.sub", "the person whose rows are read"},
	{"signin-audit/activity", "stdout", "requestContext.authorizer.claims.sub", "who reads the activity of others"},
	{"log-encryptor/encryptor", "request callback", "*", "the answer to CloudFormation"},
	{"log-encryptor/encryptor", "url", "signature", "the answer to CloudFormation"},
	{"log-encryptor/encryptor", "stdout", "LogicalResourceId", "the stack that asked, and for what"},
	{"log-encryptor/encryptor", "stdout", "PhysicalResourceId", "the stack that asked, and for what"},
	{"log-encryptor/encryptor", "stdout", "RequestType", "the stack that asked, and for what"},
	{"log-encryptor/encryptor", "stdout", "StackId", "the stack that asked, and for what"},
}

// found is a marker where none may be.
type found struct{ function, sink, field string }

// leaks returns the markers in what left a function.
func leaks(function string, out *sinks, m *marks) []found {
	var all []found
	for sink, written := range out.by {
		for _, field := range m.in(unpacked(written.String())) {
			all = append(all, found{function, sink, field})
		}
	}
	return all
}

var packed = regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}`)

// unpacked is a text, and what it hides in escapes and base64.
func unpacked(text string) string {
	out := []string{text}
	if plain, err := url.QueryUnescape(text); err == nil {
		out = append(out, plain)
	}
	for _, run := range packed.FindAllString(text, -1) {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if raw, err := encoding.DecodeString(run); err == nil && bytes.Contains(raw, []byte("mkq")) {
				out = append(out, string(raw))
			}
		}
	}
	return strings.Join(out, "\n")
}

// binaries builds every function of the repository, and the example's.
func binaries(t *testing.T) map[string]string {
	t.Helper()
	root, err := stacks.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	all, err := stacks.Discover(root)
	if err != nil {
		t.Fatal(err)
	}
	examples, err := stacks.Examples(root)
	if err != nil {
		t.Fatal(err)
	}
	out, dir := map[string]string{}, t.TempDir()
	for _, stack := range append(all, examples...) {
		for _, function := range stack.Functions {
			name := path.Base(stack.Folder) + "/" + path.Base(function.CodeURI)
			file := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
			var log bytes.Buffer
			if err := sam.Compile(t.Context(), stack, function, file, &log); err != nil {
				t.Fatalf("%v: %s", err, log.String())
			}
			out[name] = file
		}
	}
	return out
}

// visit sends every payload to a function, while AWS answers in one way. Faults of the
// payload go together with faults of AWS, because that is the worst.
func visit(t *testing.T, function, binary, mode string, m *marks) *sinks {
	t.Helper()
	out := &sinks{}
	aws := newCloud(t, out, m, mode)
	env := append(environment(aws.server.URL), "AWS_SECRET_ACCESS_KEY="+m.word("secret key"), "AWS_SESSION_TOKEN="+m.word("session token"))
	p := start(t, binary, env, out)
	defer p.stop()
	for _, base := range payloads(aws.server.URL)[function] {
		events := [][]byte{[]byte(m.plant(base))}
		switch mode {
		case refuses:
			events = append(events, m.faulty(base, asNumber, asObject)...)
		case succeeds, conflicts:
			events = append(events, m.faulty(base, asWord)...)
		}
		for _, event := range events {
			if strings.HasPrefix(base, `{"specversion"`) {
				event = []byte(m.plant(batch("arn:aws:sqs:eu-central-1:111122223333:q", string(event))))
			}
			p.invoke(t, event)
		}
	}
	return out
}

// TestMarkers: nothing that a function gets leaves it but what is allowed, and nothing that
// it gets looks like a line of its log.
func TestMarkers(t *testing.T) {
	t.Parallel()
	functions := binaries(t)
	t.Run("nothing_leaves", func(t *testing.T) { nothingLeaves(t, functions) })
	t.Run("nothing_forges_lines", func(t *testing.T) { nothingForgesLines(t, functions) })
}

func nothingLeaves(t *testing.T, functions map[string]string) {
	t.Helper()
	used := make([]bool, len(allowed))
	each := make([][]found, len(functions))
	var running sync.WaitGroup
	for i, function := range slices.Sorted(maps.Keys(functions)) {
		if payloads("")[function] == nil {
			t.Errorf("%s has no payload in this test", function)
			continue
		}
		running.Go(func() {
			for _, mode := range []string{succeeds, refuses, conflicts, babbles, redirects} {
				m := &marks{}
				each[i] = append(each[i], leaks(function, visit(t, function, functions[function], mode, m), m)...)
			}
		})
	}
	running.Wait()
	all := slices.Concat(each...)
	for function := range payloads("") {
		if functions[function] == "" {
			t.Errorf("%s has payloads and does not exist", function)
		}
	}
	slices.SortFunc(all, func(a, b found) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, one := range slices.Compact(all) {
		at := slices.IndexFunc(allowed, func(a struct{ function, sink, field, why string }) bool {
			return matches(a.function, one.function) && matches(a.sink, one.sink) && matches(a.field, one.field)
		})
		if at < 0 {
			t.Errorf("%s: %s contains %s", one.function, one.sink, one.field)
			continue
		}
		used[at] = true
	}
	for i, a := range allowed {
		if !used[i] {
			t.Errorf("no marker where it is allowed: %+v", a)
		}
	}
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	if err != nil {
		panic(err) // a pattern of this file
	}
	return ok
}
