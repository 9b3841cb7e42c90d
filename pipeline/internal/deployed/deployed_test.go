package deployed_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/pipeline/internal/deployed"
)

type fakeSTS struct {
	asked *sts.AssumeRoleInput
	err   error
}

func (f *fakeSTS) AssumeRole(_ context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	f.asked = in
	return &sts.AssumeRoleOutput{Credentials: &types.Credentials{
		AccessKeyId: aws.String("role-key"), SecretAccessKey: aws.String("role-secret"), SessionToken: aws.String("role-token"),
	}}, f.err
}

func TestAssumeReplacesEverySourceOfKeys(t *testing.T) {
	t.Parallel()
	api := &fakeSTS{}
	got, err := deployed.Assume(t.Context(), api, "arn:aws:iam::123456789012:role/r", []string{
		"PATH=/bin", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_SESSION_TOKEN=c", "AWS_PROFILE=me", "AWS_REGION=eu-central-1",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"PATH=/bin", "AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		"AWS_ACCESS_KEY_ID=role-key", "AWS_SECRET_ACCESS_KEY=role-secret", "AWS_SESSION_TOKEN=role-token",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if *api.asked.RoleArn != "arn:aws:iam::123456789012:role/r" || *api.asked.DurationSeconds != 3600 {
		t.Errorf("asked for %s, %d seconds", *api.asked.RoleArn, *api.asked.DurationSeconds)
	}
	if _, err := deployed.Assume(t.Context(), &fakeSTS{err: errors.New("no")}, "r", nil); err == nil || !strings.Contains(err.Error(), "does the role trust") {
		t.Errorf("got %v, want a word about trust", err)
	}
}

// report is what CodeBuild reads of the file.
type report struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Case     struct {
		Name    string `xml:"name,attr"`
		Output  string `xml:"system-out"`
		Failure *struct {
			Message string `xml:"message,attr"`
		} `xml:"failure"`
	} `xml:"testcase"`
}

func TestRunReports(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script   string
		failures int
		err      string
	}{
		"passes": {"echo \"$WORD <&>\"", 0, ""},
		"fails":  {"echo \"$WORD <&>\"; exit 3", 1, "exit status 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "checks", "canary.xml")
			var out bytes.Buffer
			c := deployed.Check{Environ: append(os.Environ(), "WORD=hello"), Report: file, Out: &out}
			err := c.Run(t.Context(), []string{"sh", "-c", tc.script, "canary"})
			if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %v, want %q", err, tc.err)
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got report
			if err := xml.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			if got.Tests != 1 || got.Failures != tc.failures || got.Case.Name != "canary" || got.Case.Output != "hello <&>\n" || (got.Case.Failure != nil) != (tc.failures == 1) {
				t.Errorf("report %+v", got)
			}
			if !strings.Contains(out.String(), "hello") || !strings.Contains(out.String(), file) {
				t.Errorf("said %q", out.String())
			}
		})
	}
}

func TestRunNeedsACommand(t *testing.T) {
	t.Parallel()
	if err := (deployed.Check{}).Run(t.Context(), nil); err == nil {
		t.Error("no error without a command")
	}
}
