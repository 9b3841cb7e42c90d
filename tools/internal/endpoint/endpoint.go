// Package endpoint makes AWS clients that can only reach the local endpoint,
// whatever the person's shell and profile say.
package endpoint

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gatehouse.example/tools/internal/layout"
)

// Config is for any SDK client; S3's needs UsePathStyle besides.
func Config(l layout.Layout) aws.Config {
	return aws.Config{
		Region:       l.Region,
		BaseEndpoint: aws.String(l.URL()),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: layout.AccessKeyID, SecretAccessKey: layout.SecretAccessKey}, nil
		}),
		// No proxy of the shell.
		HTTPClient: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}},
	}
}
