package clientevents

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/lambdakit/reason"
)

const (
	// remember is how long the pool's ARN is believed without asking again.
	remember = 5 * time.Minute
	// poolTimeout bounds one question, retries included.
	poolTimeout = 2 * time.Second
)

// Parameters is what NamedPool needs of SSM.
type Parameters interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// NamedPool reads the pool's ARN from its SSM name when the first event is there:
// the pool is made after this stack, so no template can hand it over. Lambda
// gives an instance one batch at a time, so nothing is locked.
type NamedPool struct {
	Parameters Parameters
	Name       string
	arn        string
	until      time.Time
}

// ARN of the pool.
func (p *NamedPool) ARN(ctx context.Context, now time.Time) (string, error) {
	if p.arn != "" && now.Before(p.until) {
		return p.arn, nil
	}
	ctx, cancel := context.WithTimeout(ctx, poolTimeout)
	defer cancel()
	out, err := p.Parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: &p.Name})
	if err != nil {
		return "", fmt.Errorf("ssm.GetParameter: %s", reason.Of(err))
	}
	if out.Parameter == nil || aws.ToString(out.Parameter.Value) == "" {
		return "", fmt.Errorf("ssm.GetParameter: %s is empty", p.Name)
	}
	p.arn, p.until = *out.Parameter.Value, now.Add(remember)
	return p.arn, nil
}
