package proxy

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// disturbed is a call that a fault hits.
type disturbed struct {
	w       http.ResponseWriter
	r       *http.Request
	next    http.Handler // takes the call where there is no fault
	fault   fault
	cleared <-chan struct{} // closed when the fault is
}

// modes are what a fault does to a call. The last four let AWS receive it, which may
// happen after the caller has given up: a network does not take back what was sent.
func modes() map[string]func(disturbed) {
	return map[string]func(disturbed){
		"refuse": disturbed.refuse,
		"hang":   disturbed.hang,
		"error":  func(d disturbed) { answerFault(d.w, d.r, d.fault.Status) },
		"delay":  disturbed.delay,
		"repeat": disturbed.repeat,
		"cut":    disturbed.cut,
		"lose":   disturbed.lose,
	}
}

// refuse closes the connection without a byte.
func (disturbed) refuse() { panic(http.ErrAbortHandler) }

// hang answers nothing until the caller gives up.
func (d disturbed) hang() {
	_, _ = io.Copy(io.Discard, d.r.Body) // else the server does not see the client leave
	select {
	case <-d.r.Context().Done():
	case <-d.cleared:
	}
	panic(http.ErrAbortHandler)
}

// delay lets the call through later.
func (d disturbed) delay() {
	call := d.calls()
	select {
	case <-time.After(time.Duration(d.fault.Milliseconds) * time.Millisecond):
	case <-d.cleared:
	}
	d.next.ServeHTTP(d.w, call())
}

// repeat sends the call twice and answers what the second one was answered, as a caller
// sees it that repeats a call by itself.
func (d disturbed) repeat() {
	call := d.calls()
	upstream.Record(d.next, call())
	d.next.ServeHTTP(d.w, call())
}

// cut answers with the first half of the answer.
func (d disturbed) cut() {
	answer := upstream.Record(d.next, d.calls()())
	length := max(1, len(answer.Body)) // an empty answer ends before its first byte
	answer.Header.Set("Content-Length", strconv.Itoa(length))
	answer.Body = answer.Body[:len(answer.Body)/2]
	answer.Release(d.w)
	_ = http.NewResponseController(d.w).Flush()
	panic(http.ErrAbortHandler)
}

// lose closes the connection after the call was applied.
func (d disturbed) lose() {
	upstream.Record(d.next, d.calls()())
	panic(http.ErrAbortHandler)
}

// calls reads the call, and returns what makes a copy of it that ends without regard to
// the caller.
func (d disturbed) calls() func() *http.Request {
	body, err := io.ReadAll(http.MaxBytesReader(d.w, d.r.Body, maxFaultBody))
	if err != nil { // the caller left before the call was complete
		panic(http.ErrAbortHandler)
	}
	return func() *http.Request {
		call := d.r.Clone(context.WithoutCancel(d.r.Context()))
		call.Body, call.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return call
	}
}

// answerFault writes an error in the protocol that the caller speaks.
func answerFault(w http.ResponseWriter, r *http.Request, status int) {
	failure := upstream.APIError{Status: cmp.Or(status, http.StatusServiceUnavailable), Code: "ServiceUnavailable", Message: "Injected fault."}
	if failure.Status < 500 {
		failure.Code = "InjectedFault"
	}
	if !isForm(r) {
		failure.Write(w)
		return
	}
	w.Header().Set("X-Amzn-Errortype", failure.Code)
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(failure.Status)
	_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Receiver</Type><Code>`+failure.Code+
		`</Code><Message>Injected fault.</Message></Error></ErrorResponse>`)
}
