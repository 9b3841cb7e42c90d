package actors

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// bodyLimit bounds what is read of an answer.
const bodyLimit = 1 << 20

// TraceHeader names the header in which the API returns the id of a call's trace.
const TraceHeader = "X-Amzn-Trace-Id"

// API calls the API of an environment.
type API struct {
	URL  string
	HTTP *http.Client
}

// Answer is an answer of the API, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Get requests a path with a token; an empty token sends none.
func (a *API) Get(ctx context.Context, path, token string) (Answer, error) {
	return a.Do(ctx, http.MethodGet, path, token)
}

// Do sends a request with a token, or without one, and with more headers: names
// and values in turn. Empty values are not sent.
func (a *API) Do(ctx context.Context, method, path, token string, headers ...string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.URL+path, http.NoBody)
	if err != nil {
		return Answer{}, fmt.Errorf("http.NewRequest: %w", err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	res, err := a.HTTP.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, bodyLimit))
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return Answer{res.StatusCode, res.Header, body}, nil
}

// Expect requests a path and returns the body, or an error if the status is another.
func (a *API) Expect(ctx context.Context, path, token string, status int) ([]byte, error) {
	answer, err := a.Get(ctx, path, token)
	if err == nil && answer.Status != status {
		err = fmt.Errorf("GET %s answered %d and not %d; its trace is %s", path, answer.Status, status, answer.Header.Get(TraceHeader))
	}
	return answer.Body, err
}
