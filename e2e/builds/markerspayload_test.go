package builds

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// marks makes values that occur nowhere else, and knows where each was planted. A
// marker is a word, or a number where letters do not fit.
type marks struct {
	mu     sync.Mutex
	fields []string
}

var isMark = regexp.MustCompile(`mkq(\d{5})z|88173(\d{5})`)

func (m *marks) next(field string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fields = append(m.fields, field)
	return len(m.fields) - 1
}

func (m *marks) word(field string) string   { return fmt.Sprintf("mkq%05dz", m.next(field)) }
func (m *marks) number(field string) string { return fmt.Sprintf("88173%05d", m.next(field)) }

// in returns the fields whose markers a text contains.
func (m *marks) in(text string) []string {
	found := map[string]bool{}
	for _, hit := range isMark.FindAllStringSubmatch(text, -1) {
		var n int
		_, _ = fmt.Sscanf(hit[1]+hit[2], "%d", &n)
		if n < len(m.fields) {
			found[m.fields[n]] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

var placeholder = regexp.MustCompile(`\{\{(#?)([^{}]+)\}\}`)

// plant replaces each {{field}} of a payload by a word, and each {{#field}} by a number.
func (m *marks) plant(payload string) string {
	return placeholder.ReplaceAllStringFunc(payload, func(found string) string {
		part := placeholder.FindStringSubmatch(found)
		if part[1] == "#" {
			return m.number(part[2])
		}
		return m.word(part[2])
	})
}

// faulty are variants of a payload: it is cut, or a marker of each kind replaces one of
// its values. Such a marker is named after the value's path.
func (m *marks) faulty(base string, kinds ...func(*marks, string) any) [][]byte {
	out := [][]byte{[]byte(m.plant(base)), []byte("{}"), []byte("null"), []byte("[]"), nil,
		[]byte(m.word("whole")), []byte(`"` + m.word("whole") + `"`), []byte(m.number("whole")), []byte("\xff" + m.word("whole"))}
	var tree any
	if err := json.Unmarshal([]byte(m.plant(base)), &tree); err != nil {
		panic(err) // a payload of this package
	}
	for _, path := range paths(tree, nil) {
		name := strings.Join(path, ".")
		for _, kind := range kinds {
			value := kind(m, name)
			raw, err := json.Marshal(replaced(tree, path, value))
			if err != nil {
				panic(err) // strings, numbers and their like
			}
			out = append(out, raw)
		}
	}
	whole := m.plant(base)
	for _, at := range isMark.FindAllStringIndex(whole, -1) {
		out = append(out, []byte(whole[:at[1]]))
	}
	return out
}

// The kinds of markers that can replace a value.
func asWord(m *marks, name string) any   { return m.word(name) }
func asNumber(m *marks, name string) any { return json.Number(m.number(name) + ".5") }
func asObject(m *marks, name string) any { return map[string]any{m.word(name): m.word(name)} }

// paths are the paths of all values below tree.
func paths(tree any, above []string) [][]string {
	var out [][]string
	below := func(key string, value any) {
		path := append(slices.Clone(above), key)
		out = append(append(out, path), paths(value, path)...)
	}
	switch node := tree.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(node)) {
			below(key, node[key])
		}
	case []any:
		for i, value := range node {
			below(fmt.Sprint(i), value)
		}
	}
	return out
}

// replaced is a copy of tree with another value at path.
func replaced(tree any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	switch node := tree.(type) {
	case map[string]any:
		node = maps.Clone(node)
		node[path[0]] = replaced(node[path[0]], path[1:], value)
		return node
	case []any:
		node = slices.Clone(node)
		var i int
		_, _ = fmt.Sscan(path[0], &i)
		node[i] = replaced(node[i], path[1:], value)
		return node
	}
	return tree
}

// trigger is what Cognito sends to a trigger, with all that it could know of a person.
func trigger(source string) string {
	return `{"version":"1","triggerSource":"` + source + `","region":"eu-central-1","userPoolId":"` + poolID + `","userName":"{{userName}}",
"callerContext":{"awsSdkVersion":"aws-sdk-{{userAgent}}","clientId":"` + clientID + `"},
"request":{"userAttributes":{"sub":"` + knownSub + `","email":"{{local part}}@example.org","email_verified":"true","phone_number":"+{{#phone}}",
"given_name":"{{given name}}","family_name":"{{family name}}","name":"{{name}}","nickname":"{{nickname}}","preferred_username":"{{preferred name}}",
"address":"{{address}}","birthdate":"{{birthdate}}","gender":"{{gender}}","picture":"https://example.org/{{picture}}","profile":"{{profile}}",
"website":"https://example.org/{{website}}","zoneinfo":"{{zone}}","locale":"{{locale}}","custom:note":"{{custom attribute}}",
"identities":"[{\"userId\":\"{{identity}}\",\"providerName\":\"x\"}]","cognito:user_status":"EXTERNAL_PROVIDER"},
"validationData":{"{{validation key}}":"{{validation value}}","ip":"{{ip}}"},"clientMetadata":{"{{metadata key}}":"{{metadata value}}"},
"password":"{{password}}","code":"{{code}}","session":"{{session}}","userNotFound":false,"newDeviceUsed":true,"challengeAnswer":"{{answer}}",
"userContextData":{"encodedData":"{{device}}","ipAddress":"{{ip}}"}},
"response":{"autoConfirmUser":false,"autoVerifyEmail":false}}`
}

// typed is what Cognito sends if the person has typed an address.
func typed(source string) string {
	return strings.Replace(trigger(source), `"userName":"{{userName}}"`, `"userName":"{{typed}}@example.org"`, 1)
}

// arrival is the message of a person who was let in.
const arrival = `{"pool":"arn:aws:cognito-idp:eu-central-1:111122223333:userpool/` + poolID + `","address":"{{typed}}@example.org","at":"2026-11-22T09:30:00Z"}`

// mailing is what Cognito sends to a trigger that writes a message.
func mailing(source string) string {
	return strings.Replace(trigger(source), `"request":{`, `"request":{"codeParameter":"{####}","usernameParameter":"{username}",`, 1)
}

// request is what API Gateway sends to a function behind the API.
func request(method, resource, token string) string {
	claims := `{"sub":"` + knownSub + `","aud":"` + clientID + `","token_use":"id","iss":"https://cognito-idp.eu-central-1.amazonaws.com/` + poolID + `",
"cognito:username":"{{user name}}","cognito:groups":"auditors","email":"{{local part}}@example.org","phone_number":"+{{#phone}}","given_name":"{{given name}}",
"family_name":"{{family name}}","name":"{{name}}","custom:note":"{{custom attribute}}","event_id":"{{event id}}","jti":"{{token id}}","origin_jti":"{{origin}}"}`
	if token == "machine" {
		claims = `{"sub":"machine","client_id":"machine","token_use":"access","scope":"gatehouse/client","jti":"{{token id}}"}`
	}
	return `{"resource":"` + resource + `","path":"/{{path}}","httpMethod":"` + method + `",
"headers":{"Authorization":"Bearer {{token}}","Cookie":"{{cookie}}","User-Agent":"{{user agent}}","X-Forwarded-For":"{{ip}}","Origin":"https://{{origin host}}.example","Referer":"https://{{referer}}.example"},
"multiValueHeaders":{"Authorization":["Bearer {{token}}"],"User-Agent":["{{user agent}}"]},
"queryStringParameters":{"limit":"20"},"multiValueQueryStringParameters":{"limit":["20"]},"pathParameters":{"sub":"` + othersSub + `"},
"stageVariables":{"url":"https://api.example.org","signInUrl":"https://signin.example.org","allowedOrigins":"https://app.example.org"},
"requestContext":{"accountId":"111122223333","stage":"live","requestId":"{{request id}}","path":"/{{path}}","identity":{"sourceIp":"{{ip}}","userAgent":"{{user agent}}","user":"{{user}}"},
"authorizer":{"claims":` + claims + `},"requestTimeEpoch":1795374000000},"body":"{{body}}","isBase64Encoded":false}`
}

// cloudEvent is an event as it is in a queue, with a field that no contract has.
func cloudEvent(kind string) string {
	data := `{"via":"signup","domain":"example.org","reason":"domain-disposable","email":"{{data email}}","listVersion":"2026-11-01"}`
	return `{"specversion":"1.0","id":"0b1f6d0e-7f0a-4f27-8f35-6f5b1f4b2f09","source":"arn:aws:cognito-idp:eu-central-1:111122223333:userpool/` + poolID + `",
"type":"` + kind + `","subject":"` + othersSub + `","time":"2026-11-22T09:30:00Z","clientid":"` + clientID + `","note":"{{extension}}","datacontenttype":"application/json","data":` + data + `}`
}

// batch is an invocation by SQS, with these bodies.
func batch(queue string, bodies ...string) string {
	var records []string
	for i, body := range bodies {
		quoted, err := json.Marshal(body)
		if err != nil {
			panic(err) // a string
		}
		records = append(records, fmt.Sprintf(`{"messageId":"m%d","receiptHandle":"{{receipt}}","body":%s,"eventSource":"aws:sqs","eventSourceARN":%q,"awsRegion":"eu-central-1",
"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1795374000000","SenderId":"AROA:{{identity id}}","AWSTraceHeader":"Root={{trace}}"},
"messageAttributes":{"email":{"dataType":"String","stringValue":"{{message attribute}}"}}}`, i, quoted, queue))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

// record is a record of CloudTrail about a new log group.
const record = `{"version":"0","source":"aws.logs","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"CreateLogGroup",
"userIdentity":{"type":"IAMUser","principalId":"{{principal}}","arn":"arn:aws:iam::111122223333:user/{{user}}","userName":"{{user}}","accessKeyId":"{{key id}}"},
"sourceIPAddress":"{{ip}}","userAgent":"{{user agent}}","requestParameters":{"logGroupName":"/a/x","tags":{"owner":"{{tag}}"}},"eventID":"{{event id}}"}}`

// resource is a request of CloudFormation, whose URL is a secret.
func resource(url, kind string) string {
	return `{"RequestType":"` + kind + `","RequestId":"r1","ResponseURL":"` + url + `/callback?X-Amz-Signature={{signature}}","ResourceType":"Custom::LogGroupEncryption",
"LogicalResourceId":"Logs","PhysicalResourceId":"/a/x","StackId":"arn:aws:cloudformation:eu-central-1:111122223333:stack/x/1",
"ResourceProperties":{"ServiceToken":"t","LogGroupName":"/a/x","RetentionInDays":"30","Secret":"{{property}}"}}`
}
