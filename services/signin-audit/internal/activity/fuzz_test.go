package activity

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// FuzzQuery checks that what a caller asks for is within bounds, and that a refusal never
// quotes the caller.
func FuzzQuery(f *testing.F) {
	f.Add("limit", "20", "cursor", "")
	f.Add("type", "user.signin.succeeded", "from", "2026-11-22")
	f.Add("from", "2026-11-22T17:00:00+02:00", "to", "2026-11-23")
	f.Add("to", "0000-01-01T00:00:00+23:59", "limit", "-1")
	f.Add("ann@example.org", "ann@example.org", "limit", "ann@example.org")
	f.Fuzz(func(t *testing.T, name, value, other, second string) {
		q, err := parse(events.APIGatewayProxyRequest{
			QueryStringParameters:           map[string]string{name: value, other: second},
			MultiValueQueryStringParameters: map[string][]string{name: {value}, other: {second}},
		})
		if err != nil {
			for _, quoted := range []string{name, value, other, second} {
				if strings.Contains(quoted, "@") && strings.Contains(err.Error(), quoted) {
					t.Fatalf("the refusal %q quotes %q", err, quoted)
				}
			}
			return
		}
		if q.Limit < 1 || q.Limit > maxLimit || q.Type != "" && !typeNames.MatchString(q.Type) || q.From != "" && q.To != "" && q.From >= q.To {
			t.Fatalf("%q=%q and %q=%q are read as %+v", name, value, other, second, q)
		}
	})
}
