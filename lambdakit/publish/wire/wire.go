// Package wire makes the two calls to AWS that a trigger makes: Publish of SNS and
// SendMessage of SQS. The SDK's clients would do, and cost each cold start half a
// millisecond of tables and each call most of its CPU, while a person waits
// (docs/adr/0007). So the requests are put together here; signing, the reading of
// error answers and HTTP stay the SDK's and the standard library's.
//
// There are no retries: lambdakit/publish makes them, with limits of its own. Its
// second attempt is also the answer to a pooled connection that died while the
// function was frozen, for net/http does not send a POST twice.
package wire

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// maxAnswer bounds what is read of an answer. AWS's have a few hundred bytes.
const maxAnswer = 64 << 10

// Client makes the calls. It is safe for concurrent use.
type Client struct {
	http          http.RoundTripper
	signer        *v4.Signer
	credentials   aws.Credentials
	region        string
	topic, outbox string
	now           func() time.Time
}

// New makes a Client from a function's environment. Lambda does not change the
// credentials there during a process's life, so they are read once.
func New(getenv func(string) string) *Client {
	region := getenv("AWS_REGION")
	return &Client{
		http: newTransport(), signer: v4.NewSigner(), region: region, now: time.Now,
		topic:  endpoint(getenv, "sns", region),
		outbox: endpoint(getenv, "sqs", region),
		credentials: aws.Credentials{
			AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    getenv("AWS_SESSION_TOKEN"),
		},
	}
}

// newTransport is used without an http.Client, which would follow redirects: a
// signed call must not be sent on to another host.
func newTransport() *http.Transport {
	t := &http.Transport{
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     10 * time.Minute,
		TLSHandshakeTimeout: time.Second, // one whose caller has given up goes on
		DisableCompression:  true,        // an answer is a few hundred bytes
		Protocols:           new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true) // SNS and SQS speak nothing newer
	return t
}

// Warm opens the connection that the first Publish will use. It may fail: then
// the first Publish opens its own.
func (c *Client) Warm(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.topic, http.NoBody)
	if err != nil {
		return
	}
	if resp, err := c.http.RoundTrip(req); err == nil {
		// The connection is reused only when the answer was read to its end.
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
		_ = resp.Body.Close()
	}
}

// Publish gives a message and its attributes, all of type String, to a topic.
func (c *Client) Publish(ctx context.Context, topicARN, message string, attributes map[string]string) error {
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {topicARN}, "Message": {message}}
	for i, name := range slices.Sorted(maps.Keys(attributes)) {
		entry := "MessageAttributes.entry." + strconv.Itoa(i+1)
		form.Set(entry+".Name", name)
		form.Set(entry+".Value.DataType", "String")
		form.Set(entry+".Value.StringValue", attributes[name])
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if err := c.call(ctx, "sns", c.topic, header, form.Encode()); err != nil {
		return &smithy.OperationError{ServiceID: "SNS", OperationName: "Publish", Err: err}
	}
	return nil
}

// SendMessage puts a message into a queue.
func (c *Client) SendMessage(ctx context.Context, queueURL, body string) error {
	raw, err := json.Marshal(map[string]string{"QueueUrl": queueURL, "MessageBody": body})
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {"AmazonSQS.SendMessage"}}
	if err := c.call(ctx, "sqs", c.outbox, header, string(raw)); err != nil {
		return &smithy.OperationError{ServiceID: "SQS", OperationName: "SendMessage", Err: err}
	}
	return nil
}

// call signs and sends one request. Its body is in memory, so that it leaves in
// one packet with the headers.
func (c *Client) call(ctx context.Context, service, endpoint string, header http.Header, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("http.NewRequest: %w", err)
	}
	req.Header = header
	// aws-lambda-go puts the header of the invocation under this plain string.
	if trace, _ := ctx.Value("x-amzn-trace-id").(string); trace != "" {
		header.Set("X-Amzn-Trace-Id", trace)
	}
	sum := sha256.Sum256([]byte(body))
	if err := c.signer.SignHTTP(ctx, c.credentials, req, hex.EncodeToString(sum[:]), service, c.region, c.now()); err != nil {
		return fmt.Errorf("v4.SignHTTP: %w", err)
	}
	resp, err := c.http.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("http.RoundTrip: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode != http.StatusOK:
		return refusal(service, resp, answer)
	case err != nil:
		return fmt.Errorf("io.ReadAll: %w", err)
	case !bytes.Contains(answer, []byte("MessageId")):
		// Only AWS names the message that it has taken; a proxy that says 200 does not.
		return errors.New("the answer names no message")
	}
	return nil
}

// endpoint is where a service is: where the environment says, by the names that
// all SDKs read, or in the region. Endpoints of other kinds (FIPS, dual stack)
// are named there too.
func endpoint(getenv func(string) string, service, region string) string {
	given := cmp.Or(getenv("AWS_ENDPOINT_URL_"+strings.ToUpper(service)), getenv("AWS_ENDPOINT_URL"))
	if given != "" {
		return strings.TrimRight(given, "/") + "/"
	}
	return "https://" + service + "." + region + "." + suffix(region) + "/"
}

// suffix is the domain of a region's partition. A test holds it to the SDK's.
func suffix(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "amazonaws.com.cn"
	case strings.HasPrefix(region, "eusc-"):
		return "amazonaws.eu"
	case strings.HasPrefix(region, "us-iso-"):
		return "c2s.ic.gov"
	case strings.HasPrefix(region, "us-isob-"):
		return "sc2s.sgov.gov"
	case strings.HasPrefix(region, "eu-isoe-"):
		return "cloud.adc-e.uk"
	case strings.HasPrefix(region, "us-isof-"):
		return "csp.hci.ic.gov"
	}
	return "amazonaws.com"
}
