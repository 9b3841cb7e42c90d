package publish

import (
	"context"
	"sync"

	endpoints "github.com/aws/smithy-go/endpoints"
)

// resolved asks a resolver once. Every request of a client has the same parameters, and
// the rules that turn them into an endpoint cost a tenth of a publish.
type resolved[Parameters any] struct {
	resolver interface {
		ResolveEndpoint(context.Context, Parameters) (endpoints.Endpoint, error)
	}
	once     sync.Once
	endpoint endpoints.Endpoint
	err      error
}

func (r *resolved[Parameters]) ResolveEndpoint(ctx context.Context, p Parameters) (endpoints.Endpoint, error) {
	r.once.Do(func() { r.endpoint, r.err = r.resolver.ResolveEndpoint(ctx, p) })
	return r.endpoint, r.err
}
