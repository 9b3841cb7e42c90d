package builds

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// The ways in which AWS answers. All but the first one quote the request in full: AWS's
// own messages quote input and headers.
const (
	succeeds  = "succeeds"
	refuses   = "refuses"   // an error with a code
	conflicts = "conflicts" // a condition that failed, or entries that failed alone
	babbles   = "babbles"   // 200 with something else
	redirects = "redirects"
)

// cloud is every service of AWS for one function, and CloudFormation's URL for answers.
type cloud struct {
	server *httptest.Server
	out    *sinks
	marks  *marks
	mode   string
}

func newCloud(t *testing.T, out *sinks, m *marks, mode string) *cloud {
	t.Helper()
	c := &cloud{out: out, marks: m, mode: mode}
	c.server = httptest.NewServer(c)
	t.Cleanup(c.server.Close)
	return c
}

// action is the name of a request, such as SNS.Publish.
func action(r *http.Request, body []byte) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		service, name, _ := strings.Cut(target, ".")
		return strings.TrimSuffix(strings.SplitN(service, "_", 2)[0], "Service") + "." + name
	}
	if values, err := url.ParseQuery(string(body)); err == nil && values.Get("Action") != "" {
		return "SNS." + values.Get("Action")
	}
	return strings.Trim(r.URL.Path, "/")
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	name := action(r, body)
	headers := r.Header.Clone()
	// The signature and what it needs: they authenticate the call.
	headers.Del("Authorization")
	headers.Del("X-Amz-Security-Token")
	var request bytes.Buffer
	fmt.Fprintf(&request, "%s\n%s\n", plainForm(r, body), body)
	for key, values := range headers {
		fmt.Fprintf(&request, "%s: %s\n", key, values)
	}
	_, _ = c.out.of("request " + name).Write(request.Bytes())
	_, _ = c.out.of("url").Write([]byte(r.URL.String() + "\n"))
	quoted := fmt.Sprintf("invalid value, see: %s %s %v", r.URL, body, r.Header)
	switch c.mode {
	case redirects:
		w.Header().Set("Location", "/redirected?"+url.Values{"q": {quoted[:min(len(quoted), 2000)]}}.Encode())
		w.WriteHeader(http.StatusTemporaryRedirect)
	case babbles:
		fmt.Fprintf(w, "<html>%s", quoted)
	case refuses:
		refuse(w, r, name, "ValidationException", quoted)
	case conflicts:
		if strings.HasPrefix(name, "DynamoDB.") {
			refuse(w, r, name, "ConditionalCheckFailedException", quoted)
			return
		}
		c.succeed(w, name, body, quoted)
	default:
		c.succeed(w, name, body, "")
	}
}

// plainForm is a form with its values as they are.
func plainForm(r *http.Request, body []byte) string {
	if values, err := url.ParseQuery(string(body)); err == nil && r.Header.Get("X-Amz-Target") == "" {
		return fmt.Sprint(values)
	}
	return ""
}

func refuse(w http.ResponseWriter, r *http.Request, name, code, message string) {
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	w.WriteHeader(http.StatusBadRequest)
	if strings.HasPrefix(name, "SNS.") {
		fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code><Message>", code)
		_ = xml.EscapeText(w, []byte(message))
		fmt.Fprint(w, "</Message></Error></ErrorResponse>")
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"__type": code, "message": message})
}

// succeed answers what the function's client reads. failure is the text of entries that
// failed, or empty.
func (c *cloud) succeed(w http.ResponseWriter, name string, body []byte, failure string) {
	var in struct {
		MessageBody, Username, LogGroupNamePrefix string
		Names                                     []string
		Entries                                   []any
	}
	_ = json.Unmarshal(body, &in)
	out := map[string]any{}
	switch name {
	case "SNS.Publish":
		fmt.Fprint(w, "<PublishResponse><PublishResult><MessageId>8f2f3a44-0000-4000-8000-000000000001</MessageId></PublishResult></PublishResponse>")
		return
	case "SNS.PublishBatch":
		publishedBatch(w, body, failure)
		return
	case "AmazonSQS.SendMessage":
		sum := md5.Sum([]byte(in.MessageBody))
		out = map[string]any{"MessageId": "8f2f3a44-0000-4000-8000-000000000002", "MD5OfMessageBody": hex.EncodeToString(sum[:])}
	case "DynamoDB.UpdateItem":
		out["Attributes"] = map[string]any{
			"sum": map[string]any{"N": "1"}, "sealed": map[string]any{"B": "c2VhbGVk"}, "validUntil": map[string]any{"N": "9999999999"}, "answers": map[string]any{"N": "1"},
		}
	case "secretsmanager.GetSecretValue":
		out["SecretString"] = "0123456789abcdef0123456789abcdef"
	case "DynamoDB.GetItem":
		if bytes.Contains(body, []byte(`"user#`)) { // somebody who forgot the password; nobody has it
			out["Item"] = map[string]any{"hash": map[string]any{"S": c.marks.word("hash")}, "verified": map[string]any{"BOOL": true},
				"attributes": map[string]any{"M": map[string]any{"name": map[string]any{"S": c.marks.word("name of the row")}}}}
		}
	case "Trent.Encrypt":
		out["CiphertextBlob"] = []byte("sealed")
	case "Trent.GenerateMac":
		out["Mac"] = make([]byte, 32)
	case "Trent.Decrypt":
		opened, _ := json.Marshal(map[string]string{
			"code": "01234567", "token": c.marks.word("letter token"), "address": c.marks.word("letter address") + "@example.org", "language": "de",
			"pool": "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/" + poolID, "subject": knownSub,
		})
		out["Plaintext"] = opened
	case "AmazonSSM.GetParameters":
		var found []any
		for _, name := range in.Names {
			found = append(found, map[string]any{"Name": name, "Value": parameterOf(name)})
		}
		out["Parameters"] = found
	case "AWSEvents.PutEvents":
		var entries []any
		for range in.Entries {
			entry := map[string]any{"EventId": "1"}
			if failure != "" {
				entry = map[string]any{"ErrorCode": "InternalFailure", "ErrorMessage": failure}
			}
			entries = append(entries, entry)
		}
		out["Entries"] = entries
	case "AWSCognitoIdentityProvider.AdminGetUser":
		out = map[string]any{"Username": in.Username, "Enabled": failure == "", "UserAttributes": []any{
			map[string]any{"Name": "sub", "Value": knownSub}, map[string]any{"Name": "email", "Value": c.marks.word("email of AdminGetUser") + "@example.org"},
		}}
	case "AWSCognitoIdentityProvider.AdminListGroupsForUser":
		out["Groups"] = []any{map[string]any{"GroupName": "auditors"}}
	case "AWSCognitoIdentityProvider.ListUsers":
		out["Users"] = []any{map[string]any{"Username": c.marks.word("user name of ListUsers"), "UserStatus": "CONFIRMED", "UserCreateDate": 1795339800, "Attributes": []any{
			map[string]any{"Name": "sub", "Value": othersSub}, map[string]any{"Name": "email_verified", "Value": "true"},
			map[string]any{"Name": "email", "Value": c.marks.word("email of ListUsers") + "@mailinator.com"},
		}}}
	case "Logs.DescribeLogGroups":
		out["logGroups"] = []any{map[string]any{"logGroupName": in.LogGroupNamePrefix, "arn": "arn:aws:logs:eu-central-1:111122223333:log-group:x"}}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(out)
}

// publishedBatch answers for each entry of a batch.
func publishedBatch(w http.ResponseWriter, body []byte, failure string) {
	form, _ := url.ParseQuery(string(body))
	fmt.Fprint(w, "<PublishBatchResponse><PublishBatchResult>")
	for i := 1; ; i++ {
		id := form.Get(fmt.Sprintf("PublishBatchRequestEntries.member.%d.Id", i))
		switch {
		case id == "":
			fmt.Fprint(w, "</PublishBatchResult></PublishBatchResponse>")
			return
		case failure == "":
			fmt.Fprintf(w, "<Successful><member><Id>%s</Id><MessageId>8f2f3a44-0000-4000-8000-000000000001</MessageId></member></Successful>", id)
		default:
			fmt.Fprintf(w, "<Failed><member><Id>%s</Id><Code>InternalError</Code><SenderFault>false</SenderFault><Message>", id)
			_ = xml.EscapeText(w, []byte(failure))
			fmt.Fprint(w, "</Message></member></Failed>")
		}
	}
}

// The values of the platform's parameters, which the payloads name too.
const (
	poolID    = "eu-central-1_AbCdEfGhI"
	clientID  = "1example23456789example12"
	knownSub  = "b1e7c2a0-5a2f-4f0e-9f58-1c2d3e4f5a6b"
	othersSub = "7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a"
)

func parameterOf(name string) string {
	switch {
	case name == "settings":
		return "FindingsLagMinutes=20"
	case strings.HasSuffix(name, "client-id"):
		return clientID
	case strings.HasSuffix(name, "user-pool-id"):
		return poolID
	}
	return "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/" + poolID
}
