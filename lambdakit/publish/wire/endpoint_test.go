package wire

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// TestEndpointsAreTheSDKs goes through every partition, and a region or two of each.
func TestEndpointsAreTheSDKs(t *testing.T) {
	t.Parallel()
	empty := func(string) string { return "" }
	for _, region := range []string{
		"us-east-1", "us-west-2", "eu-central-1", "ap-southeast-7", "il-central-1", "mx-central-1", "ca-west-1",
		"cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1", "eusc-de-east-1",
		"us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "us-isof-east-1",
	} {
		topic, err := sns.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), sns.EndpointParameters{Region: aws.String(region)})
		if got := endpoint(empty, "sns", region); err != nil || got != topic.URI.String()+"/" {
			t.Errorf("SNS in %s: %s, the SDK's %s, %v", region, got, topic.URI.String(), err)
		}
		queue, err := sqs.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), sqs.EndpointParameters{Region: aws.String(region)})
		if got := endpoint(empty, "sqs", region); err != nil || got != queue.URI.String()+"/" {
			t.Errorf("SQS in %s: %s, the SDK's %s, %v", region, got, queue.URI.String(), err)
		}
	}
}

func TestEndpointsOfTheEnvironment(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, both, topic, want string
	}{
		{"of_the_service", "http://both", "https://sns-fips.us-east-1.amazonaws.com", "https://sns-fips.us-east-1.amazonaws.com/"},
		{"of_all", "http://both:4566/", "", "http://both:4566/"},
		{"with_a_path", "http://both/aws", "", "http://both/aws/"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			getenv := func(name string) string {
				return map[string]string{"AWS_ENDPOINT_URL": tc.both, "AWS_ENDPOINT_URL_SNS": tc.topic, "AWS_ENDPOINT_URL_SQS": "http://queue"}[name]
			}
			if got := endpoint(getenv, "sns", "us-east-1"); got != tc.want {
				t.Errorf("endpoint = %s, want %s", got, tc.want)
			}
			if got := endpoint(getenv, "sqs", "us-east-1"); got != "http://queue/" {
				t.Errorf("endpoint = %s", got)
			}
		})
	}
}
