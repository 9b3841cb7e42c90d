package awsdeploy

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"gatehouse.example/tools/internal/awsdeploy/check"
)

// platform is the stack with the user pool.
const platform = "platform"

func (s *session) checks(ctx context.Context) ([]check.Check, error) {
	cfg := s.target.config
	var full, groups []string
	more := s.oldCertificatesCheck()
	for _, one := range s.stacks {
		full = append(full, one.FullName)
		names, err := logGroupNames(ctx, filepath.Join(one.Dir, "template.yaml"), one.Config.Parameters)
		if err != nil {
			return nil, err
		}
		groups = append(groups, names...)
		more = append(more, check.Settings{Stack: one.Name, Parameters: one.Config.Parameters})
		if name := one.Config.Parameters["DomainName"]; name != "" {
			more = append(more, check.Domain{
				API: route53.NewFromConfig(cfg), DNS: net.DefaultResolver, Name: name,
				Zone: one.Config.Parameters["HostedZoneId"], Parent: one.Name == platform,
			})
		}
		if c := s.givenCertificate(one); c != nil {
			more = append(more, *c)
		}
		if one.Name == platform {
			arn := identity(one)
			more = append(more, check.Mail{API: sesv2.NewFromConfig(cfg, func(o *sesv2.Options) {
				if parts := strings.Split(arn, ":"); len(parts) > 3 { // Cognito may use another region
					o.Region = parts[3]
				}
			}), Identity: arn, From: one.Config.Parameters["EmailFrom"]})
		}
		if manage, given := one.Config.Parameters["ManageLogRole"]; given {
			more = append(more, check.Gateway{API: apigateway.NewFromConfig(cfg), Managed: manage == "true", Path: "/gatehouse/" + s.target.environment + "/" + one.Name + "/"})
		}
	}
	once := sync.OnceValues(func() ([]string, error) { return s.owned(ctx) }) // two checks need it
	owned := func(context.Context) ([]string, error) { return once() }
	return append([]check.Check{
		check.Tools{Workspace: s.workspace},
		check.Stacks{API: s.cf, Names: full},
		check.Trail{API: cloudtrail.NewFromConfig(cfg), Region: cfg.Region},
		check.Concurrency{API: lambda.NewFromConfig(cfg)},
		check.SignIns{API: servicequotas.NewFromConfig(cfg)},
		check.LogGroups{API: cloudwatchlogs.NewFromConfig(cfg), Names: groups, Owned: owned},
		check.Retained{What: "retained", None: "no pool, table or key of the environment is outside its stacks", Find: func(ctx context.Context) ([]check.Left, error) { return s.left(ctx, owned) }},
	}, more...), nil
}

// identity is the ARN of an SES identity in any of the parameters, or empty.
func identity(one plannedStack) string {
	for _, value := range one.Config.Parameters {
		if strings.HasPrefix(value, "arn:") && strings.Contains(value, ":ses:") && strings.Contains(value, ":identity/") {
			return value
		}
	}
	return ""
}
