package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"gatehouse.example/services/signin-audit/findings"
)

// chunk is the period that is evaluated at a time. The rules also read the hours before
// it.
const chunk = 6 * time.Hour

// deployed are the settings of the environment, or the defaults if there is no environment or it has no settings yet.
func deployed(ctx context.Context, cfg aws.Config, environment string, getenv func(string) string) (findings.Settings, error) {
	if environment == "" {
		environment = getenv("GATEHOUSE_ENVIRONMENT")
	}
	if environment == "" {
		return findings.Defaults(), nil
	}
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{
		Name: aws.String("/gatehouse/" + environment + "/signin-audit/findings-settings"),
	})
	var missing *types.ParameterNotFound
	switch {
	case errors.As(err, &missing):
		return findings.Defaults(), nil
	case err != nil:
		return findings.Settings{}, fmt.Errorf("ssm.GetParameter: %w", err)
	}
	return findings.Parse(aws.ToString(out.Parameter.Value))
}

// rowReader is what evaluate needs of the table.
type rowReader interface {
	Read(ctx context.Context, rules []findings.Rule, from, to time.Time) (*findings.Rows, error)
}

// evaluate evaluates the period in chunks, and halves a chunk that has too many rows.
func evaluate(ctx context.Context, table rowReader, rules []findings.Rule, from, to time.Time, progress io.Writer) ([]findings.Finding, error) {
	var out []findings.Finding
	seen := map[string]bool{}
	for size := chunk; from.Before(to); {
		end := from.Add(size)
		if end.After(to) {
			end = to
		}
		rows, err := table.Read(ctx, rules, from, end)
		if errors.Is(err, findings.ErrTooMany) && size > findings.Step {
			size = max(size/2, findings.Step)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("Table.Read: %w", err)
		}
		for _, f := range findings.Evaluate(rules, rows, from, end) {
			if id := f.ID(); !seen[id] {
				seen[id] = true
				out = append(out, f)
			}
		}
		if _, err := fmt.Fprintf(progress, "until %s: %d rows read, %d findings\n", end.Format(time.RFC3339), rows.Len(), len(out)); err != nil {
			return nil, fmt.Errorf("write progress: %w", err)
		}
		from = end
	}
	return out, nil
}

// invoker is what call needs of Lambda.
type invoker interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// call calls the function for each hour.
func call(ctx context.Context, client invoker, function string, from, to time.Time, out io.Writer) error {
	for from.Before(to) {
		end := from.Add(time.Hour)
		if end.After(to) {
			end = to
		}
		payload, err := json.Marshal(map[string]string{"from": from.Format(time.RFC3339), "to": end.Format(time.RFC3339)})
		if err != nil {
			return fmt.Errorf("json.Marshal: %w", err)
		}
		got, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Qualifier: aws.String("live"), Payload: payload})
		if err != nil {
			return fmt.Errorf("lambda.Invoke: %w", err)
		}
		if got.FunctionError != nil {
			return fmt.Errorf("%s failed for the hour from %s; its log says why, and the command can be repeated", function, from.Format(time.RFC3339))
		}
		var result struct{ Published, Known, Omitted int }
		if err := json.Unmarshal(got.Payload, &result); err != nil {
			return fmt.Errorf("json.Unmarshal: %w", err)
		}
		if _, err := fmt.Fprintf(out, "until %s: %d published, %d known, %d omitted\n", end.Format(time.RFC3339), result.Published, result.Known, result.Omitted); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		from = end
	}
	return nil
}
