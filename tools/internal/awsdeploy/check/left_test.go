package check

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

func TestRetained(t *testing.T) {
	t.Parallel()
	for want, find := range map[string]func(context.Context) ([]Left, error){
		"ok":          func(context.Context) ([]Left, error) { return nil, nil },
		"not checked": func(context.Context) ([]Left, error) { return nil, denied() },
		"warning,warning": func(context.Context) ([]Left, error) {
			return []Left{{"user pool", "p", "delete p"}, {"key", "k", "delete k"}}, nil
		},
	} {
		found := Retained{What: "retained", None: "nothing", Find: find}.Look(t.Context())
		if got := levels(found); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if want == "warning,warning" && (!strings.Contains(found[0].Text, "user pool p") || !strings.HasSuffix(found[1].Next, "delete k")) {
			t.Errorf("findings %+v", found)
		}
	}
}

// fakeGroups are log groups by name.
type fakeGroups struct {
	names []string
	err   error
}

func (f fakeGroups) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for _, name := range f.names {
		if strings.HasPrefix(name, *in.LogGroupNamePrefix) {
			out.LogGroups = append(out.LogGroups, types.LogGroup{LogGroupName: &name})
		}
	}
	return out, f.err
}

func TestLogGroups(t *testing.T) {
	t.Parallel()
	owned := func(context.Context) ([]string, error) { return []string{"/g/dev/a", "pool"}, nil }
	for name, tc := range map[string]struct {
		api   fakeGroups
		owned func(context.Context) ([]string, error)
		want  string
	}{
		"none":         {fakeGroups{nil, nil}, owned, "ok"},
		"owned":        {fakeGroups{[]string{"/g/dev/a"}, nil}, owned, "ok"},
		"made_again":   {fakeGroups{[]string{"/g/dev/a", "/g/dev/b"}, nil}, owned, "stop"},
		"longer_names": {fakeGroups{[]string{"/g/dev/bc"}, nil}, owned, "ok"},
		"denied":       {fakeGroups{nil, denied()}, owned, "not checked"},
		"no_stacks":    {fakeGroups{nil, nil}, func(context.Context) ([]string, error) { return nil, denied() }, "not checked"},
	} {
		found := LogGroups{API: tc.api, Names: []string{"/g/dev/a", "/g/dev/b"}, Owned: tc.owned}.Look(t.Context())
		if got := levels(found); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
		if tc.want == "stop" && !strings.Contains(found[0].Next, "aws logs delete-log-group --log-group-name /g/dev/b ") {
			t.Errorf("%s: next %q", name, found[0].Next)
		}
	}
}
