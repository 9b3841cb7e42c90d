package encryptor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"gatehouse.example/lambdakit/reason"
)

// answerTimeout bounds an answer to CloudFormation.
const answerTimeout = 10 * time.Second

// NewClient makes the client for answers. It follows no redirect: the answer is for the
// host that CloudFormation named.
func NewClient() *http.Client {
	return &http.Client{Timeout: answerTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Answerer answers requests of CloudFormation at the URL that each request has.
//
// cfn.LambdaWrap does so too, but its errors contain the URL, and it logs what S3 answers,
// which quotes the signature. Whoever has the URL can answer in the function's place.
type Answerer struct {
	Handle cfn.CustomResourceFunction
	Client *http.Client
}

// Request handles a request and sends the answer. Its error means that CloudFormation has
// no answer. A panic is answered, and goes on.
func (a *Answerer) Request(ctx context.Context, e cfn.Event) (string, error) {
	answer := cfn.NewResponse(&e)
	answer.PhysicalResourceID, answer.Status = e.PhysicalResourceID, cfn.StatusFailed
	if e.RequestType == cfn.RequestCreate {
		answer.PhysicalResourceID = e.RequestID
	}
	answer.Reason = "the function panicked; its log says where"
	sent := false
	defer func() {
		if !sent {
			_ = a.send(ctx, e.ResponseURL, answer) // the panic is reported
		}
	}()
	id, data, err := a.Handle(ctx, e)
	if answer.Data = data; id != "" {
		answer.PhysicalResourceID = id
	}
	if answer.Status, answer.Reason = cfn.StatusSuccess, ""; err != nil {
		answer.Status, answer.Reason = cfn.StatusFailed, err.Error()
	}
	sent = true
	return "", a.send(ctx, e.ResponseURL, answer)
}

func (a *Answerer) send(ctx context.Context, url string, answer *cfn.Response) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	// Without Content-Type, which is not part of the signature.
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		return errors.New("encryptor: the request has no URL for its answer")
	}
	response, err := a.Client.Do(request)
	if err != nil {
		return fmt.Errorf("encryptor: answer to CloudFormation: %w", reason.Safe(err))
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("encryptor: answer to CloudFormation: HTTP %d", response.StatusCode)
	}
	return nil
}
