package failures

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// stub is AWS as the functions see it. Calls of the services in down fail.
type stub struct {
	*httptest.Server
	down []string // sns, sqs, table, audit key, topic key
	// hang answers nothing, and closes begun with the first call.
	hang  bool
	begun chan struct{}
	once  sync.Once

	mu       sync.Mutex
	accepted []string // the services that accepted an event, in order
}

func newStub(t *testing.T, hang bool, down ...string) *stub {
	t.Helper()
	s := &stub{down: down, hang: hang, begun: make(chan struct{})}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.Method == http.MethodGet { // a trigger opens its connection
		return
	}
	if s.hang {
		s.once.Do(func() { close(s.begun) })
		<-r.Context().Done()
		return
	}
	target := r.Header.Get("X-Amz-Target")
	switch {
	case strings.HasPrefix(target, "TrentService."): // KMS
		s.kms(w)
	case strings.HasPrefix(r.URL.Path, "/v2/email/"):
		s.json(w, "ses", "mail", `{"MessageId":"1"}`)
	case target == "":
		form, _ := url.ParseQuery(string(body))
		s.sns(w, form)
	case target == "secretsmanager.GetSecretValue":
		s.json(w, "secrets", "", `{"SecretString":"0123456789abcdef0123456789abcdef"}`)
	case target == "AmazonSQS.SendMessage" && strings.Contains(string(body), "/announcer"):
		s.json(w, "sqs", "announcer", `{"MessageId":"1"}`)
	case strings.HasSuffix(target, ".GetItem") && strings.Contains(string(body), `"user#`): // the person of services/migration/events
		s.json(w, "table", "", `{"Item":{"hash":{"S":"`+oldPassword+`"},"verified":{"BOOL":true}}}`)
	case target == "AmazonSQS.SendMessage":
		s.json(w, "sqs", "outbox", `{"MessageId":"1"}`)
	case target == "AWSEvents.PutEvents":
		s.json(w, "bus", "bus", `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`)
	case strings.HasPrefix(target, "AmazonSSM."):
		s.json(w, "ssm", "", parameters(body))
	case strings.HasSuffix(target, ".AssociateKmsKey") && slices.Contains(s.down, "log key"):
		// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html
		refuse(w, http.StatusBadRequest, `{"__type":"InvalidParameterException"}`)
	case strings.HasSuffix(target, ".DescribeLogGroups"):
		const group = "/gatehouse/dev/made/behind-its-back" // that of log-encryptor/events
		s.json(w, "logs", "", `{"logGroups":[{"logGroupName":"`+group+`","logGroupArn":"arn:aws:logs:eu-central-1:111122223333:log-group:`+group+`"}]}`)
	case strings.HasSuffix(target, ".DescribeUserPool"):
		s.json(w, "cognito", "", `{"UserPool":{"EstimatedNumberOfUsers":1}}`)
	case strings.HasSuffix(target, ".ListUsers"): // nobody has announced the one user, whose address is disposable
		s.json(w, "cognito", "", `{"Users":[{"UserStatus":"CONFIRMED","UserCreateDate":1795339800,"Attributes":[`+
			`{"Name":"email","Value":"eve@mailinator.com"},{"Name":"email_verified","Value":"true"},{"Name":"sub","Value":"7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a"}]}]}`)
	case strings.HasPrefix(target, "Logs_"):
		s.json(w, "logs", "", `{}`)
	case strings.Contains(string(body), `"audit"`) && slices.Contains(s.down, "audit key"):
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
		refuse(w, http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"}`)
	case strings.Contains(string(body), changedPool+"#"):
		s.json(w, "table", "", poolChange(string(body)))
	case strings.HasSuffix(target, ".UpdateItem"):
		// A count, and a challenge that waits for an answer.
		s.json(w, "table", "table", `{"Attributes":{"sum":{"N":"1"},"sealed":{"B":"c2VhbGVk"},"validUntil":{"N":"9999999999"},"answers":{"N":"1"}}}`)
	default:
		s.json(w, "table", "table", `{}`)
	}
}

// kms answers any action with what one of them needs: a letter of services/passwordless, sealed and opened, and a MAC.
func (s *stub) kms(w http.ResponseWriter) {
	if slices.Contains(s.down, "secrets key") {
		refuse(w, http.StatusBadRequest, `{"__type":"DisabledException"}`)
		return
	}
	const opened = `{"code":"01234567","token":"t","address":"ada.lovelace@example.org","pool":"arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Ab129faBb","subject":"3f1b9c62-9a7e-4e2b-8d43-5a6f0c1d2e3f"}`
	raw, _ := json.Marshal(map[string][]byte{"CiphertextBlob": []byte("sealed"), "Mac": make([]byte, 32), "Plaintext": []byte(opened)})
	s.json(w, "kms", "", string(raw))
}

// parameters answers with the values in the events of signin-audit, and a pool.
func parameters(body []byte) string {
	var in struct{ Names []string }
	_ = json.Unmarshal(body, &in)
	values := map[string]string{
		"user-pool-id": "us-east-1_AbCdEfGhI", "web-client-id": "1example23456789example12", "native-client-id": "x",
		"machine-client-id": "y", "user-pool-arn": "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse",
		"settings": "FindingsLagMinutes=20", "pool": "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse",
	}
	type parameter struct{ Name, Value string }
	out := struct{ Parameters []parameter }{}
	for _, name := range in.Names {
		out.Parameters = append(out.Parameters, parameter{name, values[path.Base(name)]})
	}
	raw, _ := json.Marshal(out)
	return string(raw)
}

// oldPassword is a hash of the password in services/migration/events.
const oldPassword = "$2a$04$vvlrQSGugDhnMrpjrDg1r.BNjIIYozU941u2XrITwcX8MKztPLwSi"

// changedPool is a type of events. Its row in the audit table is a finding.
const changedPool = "gatehouse.pool.changed.v1"

// poolChange answers a query for such rows with one of the time that is asked for.
func poolChange(query string) string {
	earliest := ""
	for _, after := range strings.Split(query, changedPool+"#")[1:] { // the SDK writes both bounds, in any order
		if stamp, _, _ := strings.Cut(after, `"`); earliest == "" || stamp < earliest {
			earliest = stamp
		}
	}
	from, err := time.Parse(time.RFC3339Nano, earliest)
	if err != nil {
		return `{}`
	}
	at := from.Add(90 * time.Minute).Format("2006-01-02T15:04:05.000000000Z")
	return `{"Items":[{"id":{"S":"1"},"time":{"S":"` + at + `"},"pool":{"S":"eu-central-1_Gatehouse"},"data":{"S":"{\"by\":{\"kind\":\"root\"}}"}}]}`
}

// sns answers in the query protocol.
func (s *stub) sns(w http.ResponseWriter, form url.Values) {
	action := form.Get("Action")

	fail := func(status int, code string) {
		w.Header().Set("Content-Type", "text/xml")
		refuse(w, status, `<ErrorResponse><Error><Type>Sender</Type><Code>`+code+`</Code></Error></ErrorResponse>`)
	}
	switch {
	case action != "Publish" && action != "PublishBatch":
		fail(http.StatusBadRequest, "InvalidAction")
	case slices.Contains(s.down, "sns"):
		fail(http.StatusInternalServerError, "InternalError")
	case slices.Contains(s.down, "topic key"): // https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
		fail(http.StatusBadRequest, "KMSDisabled")
	case action == "PublishBatch":
		s.accept("topic")
		_, _ = fmt.Fprintf(w, `<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Successful><member>`+
			`<Id>%s</Id><MessageId>1</MessageId></member></Successful><Failed/></PublishBatchResult></PublishBatchResponse>`, form.Get("PublishBatchRequestEntries.member.1.Id"))
	default:
		s.accept("topic")
		_, _ = io.WriteString(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
	}
}

func (s *stub) json(w http.ResponseWriter, service, place, answer string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if slices.Contains(s.down, service) {
		refuse(w, http.StatusInternalServerError, `{"__type":"InternalServerError"}`)
		return
	}
	s.accept(place)
	_, _ = io.WriteString(w, answer)
}

func (s *stub) accept(place string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if place != "" && !slices.Contains(s.accepted, place) {
		s.accepted = append(s.accepted, place)
	}
}

// taken are the services that accepted an event.
func (s *stub) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.accepted)
}

func refuse(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// environment has every variable that a function needs.
func (s *stub) environment() []string {
	const sqs = "arn:aws:sqs:eu-central-1:123456789012:"
	return []string{
		"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_MAX_ATTEMPTS=1",
		"AWS_XRAY_SDK_DISABLED=true", "AWS_LAMBDA_LOG_FORMAT=JSON", "GATEHOUSE_ENVIRONMENT=test", "AWS_ENDPOINT_URL=" + s.URL,
		"TOPIC_ARN=arn:aws:sns:eu-central-1:123456789012:user-events", fmt.Sprintf("OUTBOX_URL=%s/123456789012/outbox", s.URL),
		"AUDIT_TABLE=audit", "CLAIMS_TABLE=claims", "NOTICES_FROM=no-reply@example.org", "SES_REGION=eu-central-1", "SETTINGS_NAME=settings", "LEDGER_TABLE=ledger", "RETENTION_DAYS=400", "BUS_NAME=bus", "EVENTS_PER_MINUTE=60", "CLIENT_TOKENS_PER_HOUR=60", "POOL_ARN_NAME=pool",
		"PAGES_PER_SECOND=5", "RECONCILE_FROM=2026-11-01", "GUEST_QUEUE_ARN=" + sqs + "guest", "USER_QUEUE_ARN=" + sqs + "user", "ALLOW_DOMAINS=", "DENY_DOMAINS=", "CHECK_ADMIN_CREATED=false",
		"CHECK_FEDERATED=true", "CLIENT_SCOPE=gatehouse/client", "USER_CLIENT_IDS=a",
		"INCLUDE_PREFIXES=/gatehouse/", "EXCLUDE_PREFIXES=", "LOG_KEY_ARN=arn:aws:kms:eu-central-1:111122223333:key/k", "CHECK_LOOKALIKES=true", "CHECK_RESERVED_LOCAL_PARTS=true",
		"ANNOUNCER_QUEUE_URL=" + s.URL + "/123456789012/announcer", "MIGRATION_TABLE=migration", "OLD_SYSTEM=table", "REFUSE_AFTER_MS=1", "SECRET_NAME=secret",
		"TRIES_PER_ADDRESS=10", "TRIES_PER_MINUTE=300",
		"DEAD_LETTER_QUEUE_URL=" + s.URL + "/123456789012/dead", "GUEST_DEAD_LETTER_QUEUE_URL=" + s.URL + "/123456789012/dead",
		"USER_DEAD_LETTER_QUEUE_URL=" + s.URL + "/123456789012/dead",
		"CHALLENGES_TABLE=challenges", "SECRETS_KEY_ARN=arn:aws:kms:eu-central-1:123456789012:key/s", "NAMES_KEY_ARN=arn:aws:kms:eu-central-1:123456789012:key/n",
		"LETTERS_QUEUE_URL=" + s.URL + "/123456789012/letters", "CHALLENGES_PER_ADDRESS=5", "CHALLENGES_PER_CLIENT=600", "VALID_MINUTES=15",
		"EMAIL_FROM=no-reply@example.com", "APP_NAME=Gatehouse", "LINK_URL=",
	}
}
