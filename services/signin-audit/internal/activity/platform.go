package activity

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/lambdakit/reason"
)

// fresh is how long the platform's names are believed.
const fresh = 5 * time.Minute

// Issuer is where people's tokens come from.
type Issuer struct {
	Pool    string
	Clients []string
}

// SSM is what Names needs of the service.
type SSM interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// Names looks up what the platform stack has written. It does so when it is asked
// and not when it is deployed, for the platform is deployed after this stack.
type Names struct {
	Client      SSM
	Environment string
	Now         func() time.Time

	mu    sync.Mutex
	known Issuer
	at    time.Time
}

// Read returns the pool and the clients that people sign in with.
func (n *Names) Read(ctx context.Context) (Issuer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known.Pool != "" && n.Now().Sub(n.at) < fresh {
		return n.known, nil
	}
	found := [3]string{}
	for i, name := range []string{"user-pool-id", "web-client-id", "native-client-id"} {
		// One by one: the emulator cannot tell the names of GetParameters apart, and
		// would ask for a right on every parameter.
		value, err := n.value(ctx, "/gatehouse/"+n.Environment+"/platform/"+name)
		if err != nil {
			return Issuer{}, err
		}
		found[i] = value
	}
	n.known, n.at = Issuer{Pool: found[0], Clients: found[1:]}, n.Now()
	return n.known, nil
}

func (n *Names) value(ctx context.Context, name string) (string, error) {
	out, err := n.Client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	if err != nil {
		return "", fmt.Errorf("ssm.GetParameter %s: %s", name, reason.Of(err))
	}
	if out.Parameter == nil || aws.ToString(out.Parameter.Value) == "" {
		return "", fmt.Errorf("ssm.GetParameter %s: no value", name)
	}
	return *out.Parameter.Value, nil
}
