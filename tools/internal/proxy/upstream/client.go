// Package upstream is the way of the proxy's packages to the emulator: it signs and
// sends calls with the root key, passes requests on, and reads what Cognito, Lambda
// and CloudWatch Logs know there. The packages that close gaps import it and nothing
// else of the proxy, so that each can be deleted alone.
package upstream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	// TraceHeader carries a trace from service to service.
	TraceHeader = "X-Amzn-Trace-Id"
	// MaxBody is well above the largest request that Cognito accepts.
	MaxBody = 1 << 20
	// Timeout bounds the calls that read facts. The emulator is slow on a busy machine.
	Timeout = 30 * time.Second
	// attempts is how often a call is made that changes nothing.
	attempts = 3
)

// Client calls the emulator with the root key, as the services of AWS read each
// other's resources. It speaks the wire format itself, because the proxy needs the
// raw bytes of payloads and answers.
type Client struct {
	Region string

	base    *url.URL
	http    *http.Client
	forward http.Handler
	signer  *v4.Signer
	key     aws.Credentials
	// pools remembers which pool an app client belongs to. This never changes while the
	// client exists, and an unknown client is looked up again. Everything else is read
	// for every call: a stack update may change a trigger between two sign-ins.
	pools sync.Map
}

// New makes a client of the emulator, which listens on a Unix socket such as
// unix:/home/me/gatehouse/.local/emulator/socket, or at an http origin.
func New(address, region string, key aws.Credentials, log *slog.Logger) (*Client, error) {
	socket, isSocket := strings.CutPrefix(address, "unix:")
	if isSocket {
		address = "http://127.0.0.1" // the emulator reads the Host
	}
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" || base.Host == "" || isSocket && socket == "" {
		return nil, fmt.Errorf("upstream %q is neither a socket nor an http origin", address)
	}
	transport := &http.Transport{
		Proxy:                 nil, // loopback only, whatever the environment says
		DisableCompression:    true,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       30 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
	if isSocket {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{
		Region:  region,
		base:    base,
		http:    &http.Client{Transport: transport, CheckRedirect: stay},
		forward: reverseProxy(base, transport, log),
		signer:  v4.NewSigner(),
		key:     key,
	}, nil
}

// Ping fails if the emulator does not answer.
func (c *Client) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath("/_ministack/health").String(), nil)
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	_ = res.Body.Close()
	if res.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("ping: status %d", res.StatusCode)
	}
	return nil
}

// JSON calls one operation of a service that speaks AWS JSON 1.1.
func (c *Client) JSON(ctx context.Context, service, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	header := http.Header{"X-Amz-Target": {target}, "Content-Type": {"application/x-amz-json-1.1"}}
	res, err := c.Send(ctx, service, http.MethodPost, "/", header, body)
	// The emulator's lists change while it reads them. Every SDK retries, too.
	for retry := 1; retry < attempts && err == nil && res.Status >= http.StatusInternalServerError && reads(target); retry++ {
		res, err = c.Send(ctx, service, http.MethodPost, "/", header, body)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	if res.Status != http.StatusOK {
		return fmt.Errorf("%s: %w", target, res.Err())
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(res.Body, out); err != nil {
		return fmt.Errorf("%s: answer: %w", target, err)
	}
	return nil
}

// Pages reads every page of a list; each handles one and returns the token of the next.
func Pages[P any](ctx context.Context, c *Client, service, target string, in map[string]any, each func(P) (string, error)) error {
	name := "NextToken"
	if service == "logs" {
		name = "nextToken"
	}
	for {
		var page P
		if err := c.JSON(ctx, service, target, in, &page); err != nil {
			return err
		}
		next, err := each(page)
		if err != nil || next == "" {
			return err
		}
		in[name] = next
	}
}

// reads reports whether a call changes nothing, by its name.
func reads(target string) bool {
	_, action, _ := strings.Cut(target, ".")
	action = strings.TrimPrefix(action, "Admin")
	return strings.HasPrefix(action, "Get") || strings.HasPrefix(action, "List") || strings.HasPrefix(action, "Describe")
}

// Send signs one request, sends it and reads the whole answer.
func (c *Client) Send(ctx context.Context, service, method, path string, header http.Header, body []byte) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	maps.Copy(req.Header, header)
	sum := sha256.Sum256(body)
	err = c.signer.SignHTTP(ctx, c.key, req, hex.EncodeToString(sum[:]), service, c.Region, time.Now())
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 32<<20))
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return &Answer{res.StatusCode, res.Header, answer}, nil
}

// HasDomain reports whether a REST API has the custom domain.
func (c *Client) HasDomain(ctx context.Context, name string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	res, err := c.Send(ctx, "apigateway", http.MethodGet, "/domainnames/"+url.PathEscape(name), nil, nil)
	if err != nil || res.Status != http.StatusOK {
		return false, err
	}
	var domain struct {
		DomainName string `json:"domainName"`
	}
	if err := json.Unmarshal(res.Body, &domain); err != nil {
		return false, fmt.Errorf("GetDomainName: answer: %w", err)
	}
	return domain.DomainName == name, nil
}

// Parameter reads an SSM parameter; it is empty if it does not exist.
func (c *Client) Parameter(ctx context.Context, name string) (string, error) {
	var out struct {
		Parameter struct{ Value string }
	}
	err := c.JSON(ctx, "ssm", "AmazonSSM.GetParameter", map[string]string{"Name": name}, &out)
	if IsAPI(err, "ParameterNotFound") {
		return "", nil
	}
	return out.Parameter.Value, err
}

// IsOperator reports whether a request is made with the root key.
func (c *Client) IsOperator(r *http.Request) bool {
	key, _ := Credential(r)
	return key == c.key.AccessKeyID
}

// Credential reads the access key and the service out of the signature of a request;
// both are empty without one.
func Credential(r *http.Request) (accessKey, service string) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(strings.TrimSpace(scope), "/")
	if len(parts) != 5 {
		return "", ""
	}
	return parts[0], parts[3]
}
