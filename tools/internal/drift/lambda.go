package drift

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// functionAPI reads functions and aliases and sets them back.
type functionAPI interface {
	DeleteFunctionConcurrency(context.Context, *lambda.DeleteFunctionConcurrencyInput, ...func(*lambda.Options)) (*lambda.DeleteFunctionConcurrencyOutput, error)
	GetAlias(context.Context, *lambda.GetAliasInput, ...func(*lambda.Options)) (*lambda.GetAliasOutput, error)
	GetFunctionConcurrency(context.Context, *lambda.GetFunctionConcurrencyInput, ...func(*lambda.Options)) (*lambda.GetFunctionConcurrencyOutput, error)
	GetFunctionConfiguration(context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error)
	PutFunctionConcurrency(context.Context, *lambda.PutFunctionConcurrencyInput, ...func(*lambda.Options)) (*lambda.PutFunctionConcurrencyOutput, error)
	UpdateAlias(context.Context, *lambda.UpdateAliasInput, ...func(*lambda.Options)) (*lambda.UpdateAliasOutput, error)
	UpdateFunctionConfiguration(context.Context, *lambda.UpdateFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.UpdateFunctionConfigurationOutput, error)
}

// lacking reports whether Lambda answered that something does not exist.
func lacking(err error) bool {
	var missing *types.ResourceNotFoundException
	return errors.As(err, &missing)
}

// functions compares AWS::Lambda::Function. A change of a function reaches callers with
// the next version only, because the aliases name a version; the next deployment would
// publish it unnoticed. Its reserved concurrency takes effect at once.
type functions struct {
	api         functionAPI
	permissions permissionAPI
	granted     granted
}

func (k functions) compare(ctx context.Context, r resource) ([]Finding, error) {
	out, err := k.api.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &r.Physical})
	if lacking(err) {
		return r.missing(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("lambda.GetFunctionConfiguration: %w", err)
	}
	reserved, err := k.api.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &r.Physical})
	if err != nil {
		return nil, fmt.Errorf("lambda.GetFunctionConcurrency: %w", err)
	}
	have := map[string]any{
		"MemorySize": aws.ToInt32(out.MemorySize), "Role": aws.ToString(out.Role), "Timeout": aws.ToInt32(out.Timeout), "TracingConfig": nil,
	}
	if out.TracingConfig != nil {
		have["TracingConfig"] = map[string]any{"Mode": string(out.TracingConfig.Mode)}
	}
	if reserved.ReservedConcurrentExecutions != nil {
		have["ReservedConcurrentExecutions"] = *reserved.ReservedConcurrentExecutions
	}
	f, changed := r.finding(have, functionDefaults(),
		"MemorySize", "ReservedConcurrentExecutions", "Role", "Timeout", "TracingConfig")
	if out.Environment != nil || object(r.props["Environment"]) != nil {
		var actual map[string]string
		if out.Environment != nil {
			actual = out.Environment.Variables
		}
		if lines := variables(object(object(r.props["Environment"])["Variables"]), actual); len(lines) > 0 && r.unresolved["Environment"] == nil {
			f.Differences, changed = append(f.Differences, lines...), append(changed, "Environment")
		}
	}
	var all []Finding
	if len(changed) > 0 {
		f.Repair, f.fix = k.repair(r, changed)
		all = append(all, f)
	}
	added, err := strangers(ctx, k.permissions, k.granted, r, r.Physical, "")
	return append(all, added...), err
}

// functionDefaults are what Lambda has where a template is silent.
func functionDefaults() map[string]any {
	return map[string]any{"TracingConfig": map[string]any{"Mode": "PassThrough"}, "MemorySize": 128, "Timeout": 3}
}

// variables compares environment variables. Values are not shown: somebody may have
// written a secret into one.
func variables(want map[string]any, have map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, is := have[name]
		switch {
		case !is:
			out = append(out, "Environment: "+name+" is missing")
		case value != scalar(want[name]) && value != fmt.Sprint(want[name]):
			out = append(out, "Environment: "+name+" has another value than in the template")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if _, is := want[name]; !is {
			out = append(out, "Environment: "+name+" was added by hand")
		}
	}
	return out
}

func (k functions) repair(r resource, changed []string) (string, func(context.Context) error) {
	var calls []string
	reserves := slices.Contains(changed, "ReservedConcurrentExecutions")
	configures := len(changed) > 1 || !reserves
	if configures {
		calls = append(calls, "lambda.UpdateFunctionConfiguration")
	}
	if reserves && r.props["ReservedConcurrentExecutions"] == nil {
		calls = append(calls, "lambda.DeleteFunctionConcurrency")
	} else if reserves {
		calls = append(calls, "lambda.PutFunctionConcurrency")
	}
	return strings.Join(calls, ", "), func(ctx context.Context) error {
		if reserves {
			if err := k.reserve(ctx, r); err != nil {
				return err
			}
		}
		if !configures {
			return nil
		}
		in, err := configuration(r, changed)
		if err != nil {
			return err
		}
		if _, err := k.api.UpdateFunctionConfiguration(ctx, in); err != nil {
			return fmt.Errorf("lambda.UpdateFunctionConfiguration: %w", err)
		}
		return nil
	}
}

func (k functions) reserve(ctx context.Context, r resource) error {
	want := r.props["ReservedConcurrentExecutions"]
	if want == nil {
		if _, err := k.api.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: &r.Physical}); err != nil {
			return fmt.Errorf("lambda.DeleteFunctionConcurrency: %w", err)
		}
		return nil
	}
	n, err := number(want)
	if err != nil {
		return err
	}
	if _, err := k.api.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: &r.Physical, ReservedConcurrentExecutions: &n}); err != nil {
		return fmt.Errorf("lambda.PutFunctionConcurrency: %w", err)
	}
	return nil
}

// configuration is the request that sets the changed properties and no others.
func configuration(r resource, changed []string) (*lambda.UpdateFunctionConfigurationInput, error) {
	in := &lambda.UpdateFunctionConfigurationInput{FunctionName: &r.Physical}
	for _, name := range changed {
		want, given := r.props[name]
		if !given {
			want = functionDefaults()[name]
		}
		switch name {
		case "Environment":
			in.Environment = &types.Environment{Variables: map[string]string{}}
			for key, value := range object(object(want)["Variables"]) {
				in.Environment.Variables[key] = fmt.Sprint(value)
			}
		case "Role":
			in.Role = aws.String(r.text(name))
		case "TracingConfig":
			in.TracingConfig = &types.TracingConfig{Mode: types.TracingMode(scalar(object(want)["Mode"]))}
		case "MemorySize", "Timeout":
			n, err := number(want)
			if err != nil {
				return nil, err
			}
			if name == "Timeout" {
				in.Timeout = &n
			} else {
				in.MemorySize = &n
			}
		}
	}
	return in, nil
}

// aliases compares AWS::Lambda::Alias: which version callers get, and who may call it.
type aliases struct {
	api         functionAPI
	permissions permissionAPI
	granted     granted
}

func (k aliases) compare(ctx context.Context, r resource) ([]Finding, error) {
	function, name := r.text("FunctionName"), r.text("Name")
	out, err := k.api.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &function, Name: &name})
	if lacking(err) {
		return r.missing(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("lambda.GetAlias: %w", err)
	}
	have := map[string]any{"FunctionVersion": aws.ToString(out.FunctionVersion)}
	if out.RoutingConfig != nil && len(out.RoutingConfig.AdditionalVersionWeights) > 0 {
		weights := map[string]any{}
		for version, weight := range out.RoutingConfig.AdditionalVersionWeights {
			weights[version] = weight
		}
		have["RoutingConfig"] = weights
	}
	var all []Finding
	if f, changed := r.finding(have, nil, "FunctionVersion", "RoutingConfig"); len(changed) > 0 {
		f.Repair = "lambda.UpdateAlias"
		f.fix = func(ctx context.Context) error {
			in := &lambda.UpdateAliasInput{FunctionName: &function, Name: &name, RoutingConfig: &types.AliasRoutingConfiguration{}}
			if version := r.text("FunctionVersion"); version != "" {
				in.FunctionVersion = &version
			}
			if _, err := k.api.UpdateAlias(ctx, in); err != nil {
				return fmt.Errorf("lambda.UpdateAlias: %w", err)
			}
			return nil
		}
		all = append(all, f)
	}
	added, err := strangers(ctx, k.permissions, k.granted, r, function, name)
	return append(all, added...), err
}
