// Package adopt is `gatehouse attach` and `gatehouse detach`: it puts Gatehouse's
// triggers into an existing user pool, and takes them out again.
//
// It exists because UpdateUserPool resets every setting that is not in the request, so a
// trigger should not be changed by hand, least of all in an incident. Both commands read
// the whole pool, change its triggers only, write the whole back, and compare it
// afterwards (docs/adr/0045).
package adopt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/drift"
	"gatehouse.example/tools/internal/terminal"
)

// options are the flags of both commands.
type options struct {
	pool, environment, file, undo string
	triggers, leaveOut            []string
	replace, yes                  bool
}

// planner makes the triggers that a pool should have.
type planner func(context.Context, pool) (map[string]any, error)

// AttachCommand is `gatehouse attach`.
func AttachCommand() *cobra.Command {
	o := &options{}
	cmd := o.command("attach", "Attach Gatehouse's triggers to an existing user pool", `Attaches the triggers of an environment to a user pool that exists. It reads the whole
pool, shows the difference, asks, changes the triggers and nothing else, and reads the
pool again to compare every setting. Other functions in the pool stay; where one has the
place of a trigger of Gatehouse, nothing is changed unless --replace is given.

Before the change it saves the pool in a file, from which --undo restores the triggers.
docs/adopt.md says what else an adopted pool needs.`,
		`  gatehouse attach --user-pool-id eu-central-1_AbCdEfGhI --environment dev
  gatehouse attach --user-pool-id eu-central-1_AbCdEfGhI --undo userpool-eu-central-1_AbCdEfGhI-20261130T081500Z.json`,
		func(ctx context.Context, cfg aws.Config) (planner, error) {
			environment, err := actors.Environment(o.environment)
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, now pool) (map[string]any, error) {
				if err := sends(now, o.triggers); err != nil {
					return nil, err
				}
				functions, err := callableFunctions(ctx, cfg, environment, o.triggers, now.text("Arn"))
				if err != nil {
					return nil, err
				}
				return attached(now.triggers(), functions, o.replace)
			}, nil
		})
	cmd.Flags().BoolVar(&o.replace, "replace", false, "replace a function that is attached already")
	return cmd
}

// DetachCommand is `gatehouse detach`.
func DetachCommand() *cobra.Command {
	o := &options{}
	return o.command("detach", "Take Gatehouse's triggers out of a user pool, at once", `Takes the functions of Gatehouse out of a user pool, so that sign-up and sign-in work
without them: the quickest way out when a trigger refuses everybody. It needs nothing but
Cognito. It reads the whole pool, shows the difference, asks, changes the triggers and
nothing else, and reads the pool again to compare every setting.

Before the change it saves the pool in a file, from which --undo restores the triggers.`,
		`  gatehouse detach --user-pool-id eu-central-1_AbCdEfGhI --yes
  gatehouse detach --user-pool-id eu-central-1_AbCdEfGhI --trigger PreSignUp`,
		func(context.Context, aws.Config) (planner, error) {
			if _, err := chosen(o.triggers); err != nil {
				return nil, err
			}
			return func(_ context.Context, now pool) (map[string]any, error) {
				return detached(now.triggers(), o.environment, o.triggers), nil
			}, nil
		})
}

// command is the part that both commands share. prepare makes the plan, unless --undo does.
func (o *options) command(name, short, long, example string, prepare func(context.Context, aws.Config) (planner, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use: name + " --user-pool-id POOL", Short: short, Long: long, Example: example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.pool == "" {
				return errors.New("which pool? --user-pool-id eu-central-1_AbCdEfGhI")
			}
			cfg, err := actors.Connect(cmd.Context())
			if err != nil {
				return err
			}
			var plan planner
			if o.undo != "" {
				plan, err = undoing(o.undo, o.pool, cfg.Region, func(ctx context.Context, function, poolARN string) (bool, error) {
					return mayCall(ctx, cfg, function, poolARN)
				})
			} else {
				plan, err = prepare(cmd.Context(), cfg)
			}
			if err != nil {
				return err
			}
			now := time.Now()
			if o.file == "" {
				o.file = "userpool-" + o.pool + "-" + now.UTC().Format("20060102T150405Z") + ".json"
			}
			c := &changer{
				api: cognito.NewFromConfig(cfg), id: o.pool, command: name, leaveOut: o.leaveOut, file: o.file, yes: o.yes,
				terminal: terminal.Is(os.Stdin), in: cmd.InOrStdin(), out: cmd.OutOrStdout(), now: func() time.Time { return now }, pause: time.Second,
			}
			return actors.Hint(c.run(cmd.Context(), plan))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.pool, "user-pool-id", "", "the user pool")
	f.StringVar(&o.environment, "environment", "", "environment whose functions are meant: local, dev, test or production")
	f.StringSliceVar(&o.triggers, "trigger", nil, "only this trigger, such as PreSignUp; may be repeated")
	f.StringSliceVar(&o.leaveOut, "leave-out", nil, "do not pass this setting back, which this version does not know")
	f.StringVar(&o.file, "save", "", "file for the pool as it is (default userpool-POOL-TIME.json)")
	f.StringVar(&o.undo, "undo", "", "restore the triggers from a file that was saved")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	return cmd
}

// undoing plans the triggers of a saved pool. Somebody may have deleted a trigger's
// function since, and with that trigger Cognito would refuse everybody. If it cannot be
// read whether Cognito may call a function, the trigger is restored: the command is a way
// out of an incident.
func undoing(file, id, region string, may func(ctx context.Context, function, poolARN string) (bool, error)) (planner, error) {
	s, err := load(file)
	if err != nil {
		return nil, err
	}
	if s.UserPoolID != id || s.Region != region {
		return nil, fmt.Errorf("%s is of the pool %s in %s, and not of %s in %s", file, s.UserPoolID, s.Region, id, region)
	}
	return func(ctx context.Context, now pool) (map[string]any, error) {
		saved, current := s.Pool.triggers(), now.triggers()
		var refused []string
		for _, name := range slices.Sorted(maps.Keys(saved)) {
			function := functionARN(saved[name])
			if !strings.Contains(function, ":lambda:") || function == functionARN(current[name]) {
				continue
			}
			if allowed, err := may(ctx, function, now.text("Arn")); err == nil && !allowed {
				refused = append(refused, name+": "+function)
			}
		}
		if err := uncallable(refused); err != nil {
			return nil, err
		}
		return cloned(saved), nil
	}, nil
}

// mayCall reports whether Cognito may call a function for a pool.
func mayCall(ctx context.Context, cfg aws.Config, function, poolARN string) (bool, error) {
	of, err := arn.Parse(poolARN)
	if err != nil {
		return false, fmt.Errorf("arn.Parse: %w", err)
	}
	allowed, err := drift.MayCall(ctx, lambda.NewFromConfig(cfg), function, poolARN, of.AccountID)
	if err != nil {
		return false, fmt.Errorf("drift.MayCall: %w", err)
	}
	return allowed, nil
}

// uncallable is the error of functions that Cognito may not call, or nil if there are none.
func uncallable(functions []string) error {
	if len(functions) == 0 {
		return nil
	}
	return fmt.Errorf("nothing was changed: Cognito may not call these functions for this pool, so it would refuse everybody; deploy their stacks again:\n  %s", strings.Join(functions, "\n  "))
}

// callableFunctions finds the functions of the triggers, and checks that Cognito may call
// each of them for the pool: if it may not, it refuses everybody.
func callableFunctions(ctx context.Context, cfg aws.Config, environment string, names []string, poolARN string) (map[string]string, error) {
	triggers, err := chosen(names)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	var refused []string
	for _, t := range triggers {
		if out[t.name], err = actors.Parameter(ctx, cfg, environment, t.service, t.parameter); err != nil {
			return nil, fmt.Errorf("%w; --trigger attaches some triggers only", err)
		}
		allowed, err := mayCall(ctx, cfg, out[t.name], poolARN)
		if err != nil {
			return nil, err
		}
		if !allowed {
			refused = append(refused, t.name+": "+out[t.name])
		}
	}
	return out, uncallable(refused)
}
