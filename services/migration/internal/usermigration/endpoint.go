package usermigration

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/reason"
)

// The contract with the old system; README.md of the service documents it.
const (
	// SignatureHeader is v1= and the HMAC-SHA256, in hexadecimal, of the timestamp, a line feed
	// and the body, with the shared secret.
	SignatureHeader = "Gatehouse-Signature"
	// TimestampHeader is the time of the question in seconds since 1970.
	TimestampHeader = "Gatehouse-Timestamp"
	// MaxAnswer is the longest answer.
	MaxAnswer = 64 << 10

	actionSignIn, actionFind = "sign-in", "find"
)

// endpointTimeout bounds a question. An invocation that ends earlier gives it less.
const endpointTimeout = 3 * time.Second

// Endpoint asks the old system by HTTPS. Make it with NewEndpoint.
type Endpoint struct {
	url    string
	secret func(context.Context) ([]byte, error)
	// transport is not an http.Client: a question with a password follows no redirect.
	transport http.RoundTripper
	now       func() time.Time
	breaker   breaker
}

// question is the body that the old system gets.
type question struct {
	Version  int    `json:"version"`
	Action   string `json:"action"`
	Address  string `json:"address"`
	Password string `json:"password,omitempty"`
}

// answered is the body that the old system gives.
type answered struct {
	Found         *bool             `json:"found"`
	Address       string            `json:"address"`
	EmailVerified bool              `json:"emailVerified"`
	Attributes    map[string]string `json:"attributes"`
}

var errNotHTTPS = errors.New("usermigration: the endpoint is not an https URL")

// NewEndpoint makes an Endpoint. Without TLS only a program on the same machine is asked:
// the password would be readable on the way.
func NewEndpoint(address string, secret func(context.Context) ([]byte, error), now func() time.Time) (*Endpoint, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, errNotHTTPS
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme != "https" && (u.Scheme != "http" || ip == nil || !ip.IsLoopback()) {
		return nil, errNotHTTPS
	}
	return &Endpoint{url: address, secret: secret, now: now, transport: &http.Transport{
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    2 * time.Second,
		MaxResponseHeaderBytes: 32 << 10,
		IdleConnTimeout:        time.Minute,
		DisableCompression:     true, // a small answer must not become a large one
	}}, nil
}

// SignIn asks for the person with this address and password.
func (e *Endpoint) SignIn(ctx context.Context, address, password string) (Person, error) {
	return e.ask(ctx, question{Version: 1, Action: actionSignIn, Address: address, Password: password})
}

// Find asks for the person with this address.
func (e *Endpoint) Find(ctx context.Context, address string) (Person, error) {
	return e.ask(ctx, question{Version: 1, Action: actionFind, Address: address})
}

func (e *Endpoint) ask(ctx context.Context, q question) (p Person, err error) {
	err = e.breaker.call(e.now, func() error {
		var failed error
		p, failed = e.askOnce(ctx, q)
		return failed
	})
	return p, err
}

func (e *Endpoint) askOnce(ctx context.Context, q question) (Person, error) {
	limit := endpointTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)-2*reserve)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := e.request(ctx, q)
	if err != nil {
		return Person{}, err
	}
	resp, err := e.transport.RoundTrip(req)
	if err != nil {
		return Person{}, fmt.Errorf("usermigration: no answer: %s", reason.Name(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := read(resp)
	if err != nil {
		return Person{}, err
	}
	return person(body, q.Address)
}

// request signs the question, so that the old system answers nobody else.
func (e *Endpoint) request(ctx context.Context, q question) (*http.Request, error) {
	secret, err := e.secret(ctx)
	if err != nil {
		return nil, err
	}
	body, err := function.Encode(q)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return nil, errNotHTTPS
	}
	at := strconv.FormatInt(e.now().Unix(), 10)
	req.Header = http.Header{
		"Accept": {"application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"gatehouse-migration"},
		TimestampHeader: {at}, SignatureHeader: {"v1=" + sign(secret, at, body)},
	}
	return req, nil
}

func sign(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	_, _ = io.WriteString(mac, timestamp+"\n")
	_, _ = mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// read returns the body of an answer that is JSON and not too long.
func read(resp *http.Response) ([]byte, error) {
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("usermigration: the answer has the status %d", resp.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, errors.New("usermigration: the answer is not application/json")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("usermigration: half an answer: %s", reason.Name(err))
	case len(body) > MaxAnswer:
		return nil, errors.New("usermigration: the answer is too long")
	}
	return body, nil
}

var errAnswer = errors.New("usermigration: the answer is not of the contract's shape")

// person reads an answer strictly. It must name the address that was asked for: a cache or
// a mixed-up answer would otherwise let somebody into another person's account.
func person(body []byte, address string) (Person, error) {
	var a answered
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(&a) != nil || a.Found == nil {
		return Person{}, errAnswer
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Person{}, errAnswer
	}
	if !*a.Found {
		return Person{}, ErrRefused
	}
	if theirs, is := Address(a.Address); !is || theirs != address {
		return Person{}, errAnswer
	}
	return Person{Attributes: a.Attributes, Verified: a.EmailVerified}, nil
}
