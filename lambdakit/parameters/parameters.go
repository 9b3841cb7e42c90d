// Package parameters reads SSM parameters at run time and caches them. It is for
// what the platform stack writes: that stack is deployed after the services, so no
// template can pass these values to a function.
package parameters

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"gatehouse.example/lambdakit/reason"
)

const (
	// TTL is how long values are used before they are read again.
	TTL = 5 * time.Minute
	// timeout bounds one read, retries included.
	timeout = 2 * time.Second
)

// ErrMissing is the error about a parameter that nobody has written, such as one of the
// platform before its first deployment.
var ErrMissing = errors.New("not found")

// Client is what Cache needs of SSM.
type Client interface {
	GetParameters(context.Context, *ssm.GetParametersInput, ...func(*ssm.Options)) (*ssm.GetParametersOutput, error)
}

// Cache holds the values of up to ten parameters. It is safe for concurrent use.
type Cache struct {
	Client Client
	Names  []string
	Now    func() time.Time

	mu     sync.Mutex
	values []string
	readAt time.Time
}

// Values returns the values in the order of Names. It is an error if one of the
// parameters is missing or empty.
func (c *Cache) Values(ctx context.Context) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.values != nil && c.Now().Before(c.readAt.Add(TTL)) {
		return c.values, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := c.Client.GetParameters(ctx, &ssm.GetParametersInput{Names: c.Names})
	if err != nil {
		return nil, fmt.Errorf("ssm.GetParameters: %w", reason.Safe(err))
	}
	if len(out.InvalidParameters) > 0 {
		return nil, fmt.Errorf("ssm.GetParameters: %w: %s", ErrMissing, strings.Join(out.InvalidParameters, ", "))
	}
	values := make([]string, len(c.Names))
	for i, name := range c.Names {
		at := slices.IndexFunc(out.Parameters, func(p types.Parameter) bool { return aws.ToString(p.Name) == name })
		if at < 0 || aws.ToString(out.Parameters[at].Value) == "" {
			return nil, fmt.Errorf("ssm.GetParameters: %s is empty", name)
		}
		values[i] = *out.Parameters[at].Value
	}
	c.values, c.readAt = values, c.Now()
	return values, nil
}
