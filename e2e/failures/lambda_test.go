// Package failures causes every fault of every function, and records the consequences in docs/failures.md.
//
// The functions are the real binaries. Lambda, SNS, SQS, DynamoDB and EventBridge are
// simulated as their documentation says, because an emulator cannot throttle a function
// or disable a key: a failed call of a trigger is an error for Cognito
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html)
// and for a caller of the API, a failed event of EventBridge goes to the function's
// destination (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html),
// and a failed batch returns to its queue until the queue moves it to its dead-letter queue
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
package failures

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// invocation is what one call of a function came to.
type invocation struct {
	answer []byte // nil if it failed
	output string // its log and its metrics
}

const (
	// timeout is that of a call, as the function is told.
	timeout = time.Minute
	// stoppedTimeout ends a call whose function was stopped, instead of timeout.
	stoppedTimeout = 300 * time.Millisecond
)

// lambda runs a function once, in a new process.
type lambda struct {
	binary string
	env    []string
	// silent says that the function calls nothing: a signal comes with its event.
	silent bool
}

// invoke makes one call. If there is a signal, the process gets it when it calls AWS,
// which closes begun.
func (l lambda) invoke(t *testing.T, payload []byte, begun chan struct{}, signal syscall.Signal) invocation {
	t.Helper()
	answered, ended, waiting := make(chan []byte, 1), make(chan struct{}), make(chan struct{}, 1)
	waiting <- struct{}{}
	signalled := make(chan struct{})
	const base = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-waiting:
		case <-r.Context().Done():
			return
		}
		if l.silent && signal != 0 {
			close(begun)
			<-signalled
			<-time.After(stoppedTimeout / 3) // until every thread has stopped
		}
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000000")
		h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(timeout).UnixMilli()))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:f:live")
		_, _ = w.Write(payload)
	})
	mux.HandleFunc("POST "+base+"invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		answered <- body
	})
	mux.HandleFunc("POST "+base+"invocation/{id}/error", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		answered <- nil
	})
	api := httptest.NewServer(mux)
	defer api.Close()
	var output bytes.Buffer
	cmd := exec.CommandContext(t.Context(), l.binary)
	cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://")}, l.env...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatalf("exec.Cmd.Start: %v", err)
	}
	go func() { _ = cmd.Wait(); close(ended) }()
	var end <-chan time.Time
	works := (<-chan struct{})(begun)
	for got := (invocation{}); ; {
		select {
		case got.answer = <-answered:
		case <-ended: // a process that ends fails the call
		case <-end:
		case <-works:
			works = nil
			if signal != 0 {
				_ = syscall.Kill(cmd.Process.Pid, signal)
				end = time.After(stoppedTimeout)
				close(signalled)
			}
			continue
		case <-time.After(timeout):
			t.Errorf("%s does neither answer nor end", l.binary)
		}
		_ = syscall.Kill(cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		got.output = output.String()
		return got
	}
}
