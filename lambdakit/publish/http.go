package publish

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

const (
	// warmTimeout bounds the request that opens the connection during init.
	warmTimeout = 300 * time.Millisecond
	// maxAnswer bounds what is read of an answer. AWS's have a few hundred bytes.
	maxAnswer = 64 << 10
)

// httpClient sends the SDK's requests. It is not an http.Client because it must
// not follow redirects: a signed call must not be sent on to another host.
type httpClient struct{ http.RoundTripper }

func newHTTPClient() httpClient {
	t := &http.Transport{
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     10 * time.Minute,
		TLSHandshakeTimeout: time.Second, // a handshake goes on after its caller has given up
		DisableCompression:  true,        // an answer is a few hundred bytes
		Protocols:           new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true) // SNS and SQS offer nothing newer
	return httpClient{t}
}

// Do reads the body into memory before it sends the request. The SDK closes a
// body as soon as there is an answer. When the answer is quick, the transport
// still looks for the body's end, takes the closed body for an error and cuts the
// answer off, and an event that SNS has accepted is sent again.
func (c httpClient) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.ContentLength > 0 {
		body := make([]byte, req.ContentLength)
		_, err := io.ReadFull(req.Body, body)
		_ = req.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("io.ReadFull: %w", err)
		}
		req = req.WithContext(req.Context()) // a copy: the SDK keeps its own request
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	resp, err := c.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// warm opens the connection that the first Publish will use. If it fails, the
// first Publish opens its own.
func warm(ctx context.Context, client httpClient, o sns.Options) {
	ctx, cancel := context.WithTimeout(ctx, warmTimeout)
	defer cancel()
	topic, err := o.EndpointResolverV2.ResolveEndpoint(ctx, sns.EndpointParameters{
		Region: &o.Region, Endpoint: o.BaseEndpoint,
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
	if err != nil {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, topic.URI.String(), http.NoBody)
	if err != nil {
		return
	}
	if resp, err := client.Do(req); err == nil {
		// The connection is used again only if the answer was read to its end.
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
