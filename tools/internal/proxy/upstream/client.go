package proxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// factLimit bounds the small calls that read facts; a trigger has its own limit.
const factLimit = 10 * time.Second

// upstream calls the emulator with the root key, as the Cognito service itself
// would read its own pools and ask Lambda. It speaks the wire format itself: the
// edge needs the raw bytes of payloads and answers, not typed clients.
type upstream struct {
	base   *url.URL
	http   *http.Client
	signer *v4.Signer
	creds  aws.Credentials
	region string
}

func newUpstream(base *url.URL, cfg Config) *upstream {
	return &upstream{
		base: base,
		http: &http.Client{Transport: &http.Transport{
			Proxy:                 nil, // loopback only, whatever the environment says
			DisableCompression:    true,
			MaxIdleConnsPerHost:   64,
			IdleConnTimeout:       30 * time.Second,
			ExpectContinueTimeout: time.Second,
		}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		signer: v4.NewSigner(),
		creds:  aws.Credentials{AccessKeyID: cfg.AccessKeyID, SecretAccessKey: cfg.SecretAccessKey},
		region: cfg.Region,
	}
}

// apiError is an error answer of an AWS API.
type apiError struct {
	Status  int
	Code    string
	Message string
}

func (e *apiError) Error() string { return fmt.Sprintf("%s (status %d)", e.Code, e.Status) }

// isAPI tells whether err is an API error with this code.
func isAPI(err error, code string) bool {
	var api *apiError
	return errors.As(err, &api) && api.Code == code
}

// ping tells whether the emulator accepts connections.
func (u *upstream) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.base.JoinPath("/_ministack/health").String(), nil)
	if err != nil {
		return fmt.Errorf("edge: ping: %w", err)
	}
	res, err := u.http.Do(req)
	if err != nil {
		return fmt.Errorf("edge: ping: %w", err)
	}
	_ = res.Body.Close()
	if res.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("edge: ping: status %d", res.StatusCode)
	}
	return nil
}

// json calls one operation of a service that speaks AWS JSON 1.1.
func (u *upstream) json(ctx context.Context, service, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("edge: %s: %w", target, err)
	}
	ctx, cancel := context.WithTimeout(ctx, factLimit)
	defer cancel()
	header := http.Header{"X-Amz-Target": {target}, "Content-Type": {"application/x-amz-json-1.1"}}
	res, err := u.send(ctx, service, http.MethodPost, "/", header, body)
	// The emulator's lists change while it goes through them. Every SDK asks again.
	for again := 1; again < attempts && err == nil && res.status >= http.StatusInternalServerError && reads(target); again++ {
		res, err = u.send(ctx, service, http.MethodPost, "/", header, body)
	}
	if err != nil {
		return fmt.Errorf("edge: %s: %w", target, err)
	}
	if res.status != http.StatusOK {
		return fmt.Errorf("edge: %s: %w", target, readError(res))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(res.body, out); err != nil {
		return fmt.Errorf("edge: %s: answer: %w", target, err)
	}
	return nil
}

// attempts are those of a call that changes nothing.
const attempts = 3

// reads tells whether a call changes nothing, by its name.
func reads(target string) bool {
	_, action, _ := strings.Cut(target, ".")
	action = strings.TrimPrefix(action, "Admin")
	return strings.HasPrefix(action, "Get") || strings.HasPrefix(action, "List") || strings.HasPrefix(action, "Describe")
}

// result is an answer of the emulator, read to its end.
type result struct {
	status int
	header http.Header
	body   []byte
}

// send signs one request, sends it and reads the whole answer.
func (u *upstream) send(ctx context.Context, service, method, path string, header http.Header, body []byte) (result, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return result{}, fmt.Errorf("request: %w", err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	sum := sha256.Sum256(body)
	err = u.signer.SignHTTP(ctx, u.creds, req, hex.EncodeToString(sum[:]), service, u.region, time.Now())
	if err != nil {
		return result{}, fmt.Errorf("sign: %w", err)
	}
	res, err := u.http.Do(req)
	if err != nil {
		return result{}, fmt.Errorf("send: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 32<<20))
	if err != nil {
		return result{}, fmt.Errorf("answer: %w", err)
	}
	return result{res.StatusCode, res.Header, answer}, nil
}

// readError reads the error shape that AWS's JSON and REST services share.
func readError(res result) *apiError {
	var shape struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	_ = json.Unmarshal(res.body, &shape) // an unreadable body leaves the status
	code := shape.Type
	if code == "" {
		code = res.header.Get("X-Amzn-Errortype")
	}
	code, _, _ = strings.Cut(code, ":")
	if i := strings.LastIndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	message := shape.Message
	if message == "" {
		message = shape.Upper
	}
	return &apiError{Status: res.status, Code: code, Message: message}
}
