package pipelines

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

const guardFunction = "signup-guard-presignup"

// state is when each stack was changed, and which code the alias live of each
// function runs.
type state map[string]string

func (s *system) state(t *testing.T) state {
	t.Helper()
	out := state{}
	cf := cloudformation.NewFromConfig(s.config())
	for pages := cloudformation.NewDescribeStacksPaginator(cf, &cloudformation.DescribeStacksInput{}); pages.HasMorePages(); {
		for _, st := range must(pages.NextPage(t.Context()))(t).Stacks {
			out["stack "+aws.ToString(st.StackName)] = aws.ToTime(st.LastUpdatedTime).String()
		}
	}
	functions := lambda.NewFromConfig(s.config())
	for pages := lambda.NewListFunctionsPaginator(functions, &lambda.ListFunctionsInput{}); pages.HasMorePages(); {
		for _, f := range must(pages.NextPage(t.Context()))(t).Functions {
			out["function "+aws.ToString(f.FunctionName)] = aws.ToString(f.CodeSha256)
		}
	}
	return out
}

// live returns the code that the alias runs.
func (s *system) live(t *testing.T, environment string) string {
	t.Helper()
	name := "gatehouse-" + environment + "-" + guardFunction
	out := must(lambda.NewFromConfig(s.config()).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{
		FunctionName: &name, Qualifier: aws.String("live"),
	}))(t)
	return aws.ToString(out.CodeSha256)
}

// onlyChanged checks that nothing else changed than what has one of these names.
func (before state) onlyChanged(t *testing.T, after state, names ...string) {
	t.Helper()
	for what, was := range before {
		changed := after[what] != was
		meant := false
		for _, name := range names {
			meant = meant || strings.Contains(what, name)
		}
		if changed && !meant {
			t.Errorf("%s changed from %s to %s", what, was, after[what])
		}
	}
}
