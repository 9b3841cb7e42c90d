package trail

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// Recording passes every request on to next, and records what CloudTrail would record of
// it: calls of the Cognito API, and requests to the hosted pages and the OAuth endpoints.
// What a page calls on its own is not recorded, as on AWS, because it does not come this way.
func (t *Trail) Recording(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action, isCall := strings.CutPrefix(r.Header.Get("X-Amz-Target"), upstream.CognitoTarget)
		page := pages()[r.Method+" "+r.URL.Path]
		switch {
		case isCall:
			t.recordCall(w, r, action, next)
		case page.name != "":
			t.recordPage(w, r, page, next)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// heard reads the body of a request, which can still be read afterwards.
func heard(r *http.Request) []byte {
	body, _ := io.ReadAll(io.LimitReader(r.Body, upstream.MaxBody)) // whoever reads it next gets the error
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	return body
}

// answer passes an answer on and keeps what a record needs.
type answer struct {
	http.ResponseWriter

	status    int
	requestID string
	body      []byte
	notes     http.Header
}

// WriteHeader takes the notes out, and gives an answer of the proxy's own an id like the
// emulator's answers.
func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	a.status, a.notes = status, http.Header{}
	header := a.Header()
	for _, note := range upstream.Notes() {
		a.notes.Set(note, header.Get(note))
		header.Del(note)
	}
	if header.Get("X-Amzn-Requestid") == "" {
		header.Set("X-Amzn-Requestid", uuid.NewString())
	}
	a.requestID = header.Get("X-Amzn-Requestid")
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if len(a.body) < upstream.MaxBody {
		a.body = append(a.body, p...)
	}
	return a.ResponseWriter.Write(p) //nolint:wrapcheck // the caller's own
}

// Unwrap lets the reverse proxy flush.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// listen serves r and returns the answer that the caller got.
func listen(w http.ResponseWriter, r *http.Request, next http.Handler) *answer {
	a := &answer{ResponseWriter: w}
	next.ServeHTTP(a, r)
	a.WriteHeader(http.StatusOK) // an answer without a body
	return a
}

// maxText is where CloudTrail cuts userAgent, errorCode and errorMessage off:
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
const maxText = 1024

func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxText)], "") }

// caller is what a record says about where the request came from.
func caller(r *http.Request) (address, userAgent string) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return host, cut(r.UserAgent())
}

// completion adds to a record what a lookup finds. It reports false if AWS has no such
// record after all.
type completion func(context.Context, *record) (bool, error)

// keep queues a record. The rest of it is found meanwhile: the account, which is the bus's,
// and the user. Nobody looks for a user that no rule asks about.
func (t *Trail) keep(ctx context.Context, one record, add completion) {
	completed := make(chan *record, 1)
	if !t.offer(entry{one, completed}) {
		t.log.WarnContext(ctx, "record dropped: too many wait", "event", one.name())
		return
	}
	go func() {
		completed <- t.complete(context.WithoutCancel(ctx), &one, add)
	}()
}

func (t *Trail) complete(ctx context.Context, one *record, add completion) *record {
	ctx, cancel := context.WithTimeout(ctx, upstream.Timeout)
	defer cancel()
	rules, err := t.bus.candidates(ctx, *one)
	if err != nil || len(rules) == 0 {
		return one // deliver has the error
	}
	one.Account = upstream.Account(rules[0].ARN)
	one.Detail["recipientAccountId"] = one.Account
	exists, err := add(ctx, one)
	if err != nil {
		t.log.WarnContext(ctx, "record not complete", "event", one.name(), "error", err.Error())
	}
	if err == nil && !exists {
		return nil
	}
	return one
}

// public reports an operation that Cognito answers without AWS credentials.
func public(action string) bool { return slices.Contains(upstream.PublicOperations(), action) }
