package cfn_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// account is a CloudFormation endpoint with one stack. It applies each changing
// call and then drops the answer to the first attempt. A second attempt is
// refused, as by an endpoint that ignores tokens.
type account struct {
	mu sync.Mutex
	// stack and set are the statuses; empty means that it does not exist.
	stack, set, setReason string
	// fails makes every operation on the stack fail.
	fails bool
	// refuses refuses every changing call without applying it.
	refuses  bool
	attempts map[string]int
	tokens   map[string]bool
	events   []string
}

func start(t *testing.T, a *account) *cloudformation.Client {
	t.Helper()
	a.attempts, a.tokens = map[string]int{}, map[string]bool{}
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	return cloudformation.New(cloudformation.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("id", "key", ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

// after is the status of the stack when an operation is done, and of a failed one.
var after = map[string][2]string{
	"CreateStack": {"CREATE_COMPLETE", "ROLLBACK_COMPLETE"}, "UpdateStack": {"UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"},
	"DeleteStack": {"", "DELETE_FAILED"}, "ExecuteChangeSet": {"UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"},
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = r.ParseForm()
	action := r.Form.Get("Action")
	result, code := "", ""
	switch action {
	case "DescribeStacks":
		if a.stack == "" {
			code = "ValidationError"
			break
		}
		result = "<Stacks><member><StackName>s</StackName><StackId>id</StackId><StackStatus>" + a.stack + "</StackStatus>" +
			"<Outputs><member><OutputKey>Key</OutputKey><OutputValue>value</OutputValue></member></Outputs></member></Stacks>"
	case "DescribeStackEvents":
		result = "<StackEvents>" + strings.Join(a.events, "") + "</StackEvents>"
	case "DescribeChangeSet":
		if a.set == "" {
			code = "ChangeSetNotFound"
			break
		}
		result = "<ChangeSetId>set</ChangeSetId><Status>" + a.set + "</Status><StatusReason>" + a.setReason + "</StatusReason>"
	default:
		code = a.change(w, action, r.Form.Get("ClientToken")+r.Form.Get("ClientRequestToken"))
	}
	a.answer(w, action, result, code)
}

// change applies a call; the answer to the first attempt is dropped.
func (a *account) change(w http.ResponseWriter, action, token string) string {
	a.attempts[action]++
	a.tokens[token] = true
	switch {
	case a.refuses:
		return "ValidationError"
	case a.attempts[action] > 1 && action == "CreateChangeSet":
		return "AlreadyExistsException"
	case a.attempts[action] > 1:
		return "ValidationError"
	case action == "CreateChangeSet":
		if a.set == "" {
			a.set = "CREATE_COMPLETE"
		}
	default:
		a.stack = after[action][0]
		a.event(token, "UPDATE_COMPLETE", "")
		if a.fails {
			a.stack = after[action][1]
			a.event(token, "UPDATE_FAILED", "no permission")
			a.event(token, "UPDATE_FAILED", "Resource update cancelled")
			a.event(token, "UPDATE_FAILED", "a later failure")
		}
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
	return ""
}

// event adds an event; the newest is the first.
func (a *account) event(token, status, reason string) {
	id := fmt.Sprint(len(a.events))
	a.events = append([]string{"<member><EventId>" + id + "</EventId><ClientRequestToken>" + token + "</ClientRequestToken><LogicalResourceId>R" + id +
		"</LogicalResourceId><ResourceStatus>" + status + "</ResourceStatus><ResourceStatusReason>" + reason + "</ResourceStatusReason></member>"}, a.events...)
}

func (a *account) answer(w http.ResponseWriter, action, result, code string) {
	if code != "" {
		message := "refused"
		if code == "ValidationError" && a.stack == "" {
			message = "Stack does not exist"
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
		return
	}
	_, _ = fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, result)
}

// pages serves the changes of a change set on two pages.
type pages struct {
	cloudformation.DescribeChangeSetAPIClient
}

func (pages) DescribeChangeSet(_ context.Context, in *cloudformation.DescribeChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error) {
	out := &cloudformation.DescribeChangeSetOutput{Changes: oneChange}
	if in.NextToken == nil {
		out.NextToken = aws.String("more")
	}
	return out, nil
}
