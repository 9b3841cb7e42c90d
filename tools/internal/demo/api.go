package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/xray"
	"golang.org/x/oauth2/clientcredentials"

	"gatehouse.example/tools/internal/trace"
)

// answerLimit bounds what the demo reads of an answer.
const answerLimit = 1 << 20

// api is the API as any caller meets it.
type api struct {
	url  string
	http *http.Client
}

// answer is what a caller gets: the status, the body and the header that names the
// trace.
type answer struct {
	status int
	body   []byte
	trace  string
}

// get asks for a path; an empty token sends none.
func (a *api) get(ctx context.Context, path, token string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+path, nil)
	if err != nil {
		return answer{}, fmt.Errorf("http.NewRequest: %w", err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := a.http.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	return answer{res.StatusCode, body, res.Header.Get("X-Amzn-Trace-Id")}, nil
}

// machine is a program with an app client of its own.
type machine struct {
	clientID, secret string
	// origin is that of the sign-in pages, which issue tokens too.
	origin string
}

// token gets an access token for the client itself (RFC 6749, section 4.4).
func (m *machine) token(ctx context.Context) (string, error) {
	token, err := (&clientcredentials.Config{
		ClientID: m.clientID, ClientSecret: m.secret,
		TokenURL: m.origin + "/oauth2/token", Scopes: []string{"gatehouse/client"},
	}).Token(ctx)
	if err != nil {
		return "", fmt.Errorf("clientcredentials.Token: %w", err)
	}
	return token.AccessToken, nil
}

// tracer shows traces.
type tracer interface {
	// show waits for the trace of that id and draws it.
	show(ctx context.Context, id string) (string, error)
}

// xrayTracer shows them as `gatehouse trace show` does.
type xrayTracer struct{ client *xray.Client }

func (x xrayTracer) show(ctx context.Context, id string) (string, error) {
	var b strings.Builder
	err := trace.Show(ctx, &b, x.client, id, limit)
	return b.String(), err
}
