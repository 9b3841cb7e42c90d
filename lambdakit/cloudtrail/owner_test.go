package cloudtrail

import (
	"context"
	"errors"
	"testing"
	"time"
)

// platform is the pool and one client, or an error.
type platform struct{ err error }

func (p platform) Values(context.Context) ([]string, error) {
	return []string{pool, client}, p.err
}

// clients are the clients that somebody added; each question is counted.
type clients struct {
	has   map[string]bool
	asked int
	err   error
}

func (c *clients) Has(_ context.Context, in, id string) (bool, error) {
	c.asked++
	return in == pool && c.has[id], c.err
}

func TestOwner(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	known := &clients{has: map[string]bool{"added": true}}
	o := &Owner{Platform: platform{}, Clients: known, Now: func() time.Time { return now }}
	for _, step := range []struct {
		fields string
		want   Ownership
		asked  int
	}{
		{`,"requestParameters":{"userPoolId":"` + pool + `"}`, Ours, 0},
		{`,"requestParameters":{"userPoolId":"eu-central-1_Other","clientId":"` + client + `"}`, Foreign, 0},
		{`,"requestParameters":{"clientId":"` + client + `"}`, Ours, 0},
		{`,"requestParameters":{"resourceArn":"arn:aws:cognito-idp:eu-central-1:1:userpool/` + pool + `"}`, Ours, 0},
		{`,"requestParameters":{"resourceArn":"arn:aws:cognito-idp:eu-central-1:1:userpool/eu-central-1_Other"}`, Foreign, 0},
		{`,"requestParameters":{"clientId":"added"}`, Ours, 1},
		{`,"requestParameters":{"clientId":"added"}`, Ours, 1},
		{`,"requestParameters":{"clientId":"another"}`, Foreign, 2},
		{`,"requestParameters":{"accessToken":"HIDDEN_DUE_TO_SECURITY_REASONS"}`, Unnamed, 2},
	} {
		got, of, err := o.Of(t.Context(), parsed(t, call(step.fields)))
		if err != nil || got != pool || of != step.want || known.asked != step.asked {
			t.Errorf("%s: %v, %v, asked %d times; want %v, %d times", step.fields, of, err, known.asked, step.want, step.asked)
		}
	}
	now = now.Add(clientTTL)
	if _, of, err := o.Of(t.Context(), parsed(t, call(`,"requestParameters":{"clientId":"added"}`))); err != nil || of != Ours || known.asked != 3 {
		t.Errorf("after the TTL: %v, %v, asked %d times", of, err, known.asked)
	}
}

// A page's client is what somebody wrote into an address.
func TestOwner_Client(t *testing.T) {
	t.Parallel()
	o := &Owner{Platform: platform{}, Clients: &clients{has: map[string]bool{"added": true}}, Now: time.Now}
	for named, want := range map[string]string{client: client, "added": "added", "ada@example.com": "", "": ""} {
		r := parsed(t, call(`,"additionalEventData":{"userPoolId":"`+pool+`","requestParameters":{"client_id":["`+named+`"]}}`))
		if got, err := o.Client(t.Context(), r); err != nil || got != want {
			t.Errorf("%q: Client = %q, %v; want %q", named, got, err, want)
		}
	}
}

// An answer that did not come is not an answer: the record is read again.
func TestOwner_errors(t *testing.T) {
	t.Parallel()
	failed := errors.New("throttled")
	for name, o := range map[string]*Owner{
		"platform": {Platform: platform{failed}, Clients: &clients{}, Now: time.Now},
		"clients":  {Platform: platform{}, Clients: &clients{err: failed}, Now: time.Now},
	} {
		for range 2 {
			if _, of, err := o.Of(t.Context(), parsed(t, call(`,"requestParameters":{"clientId":"x"}`))); !errors.Is(err, failed) || of != Unnamed {
				t.Errorf("%s: %v, %v", name, of, err)
			}
			if got, err := o.Client(t.Context(), parsed(t, call(`,"requestParameters":{"clientId":"x"}`))); !errors.Is(err, failed) || got != "" {
				t.Errorf("%s: Client = %q, %v", name, got, err)
			}
		}
	}
}

// changeable are values that a cache keeps.
type changeable struct {
	values []string
	err    error
}

func (c *changeable) Values(context.Context) ([]string, error) { return c.values, c.err }

// The platform names the pool by its ARN, and records by its id.
func TestOwnerOfAnARN(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/" + pool
	values := &changeable{values: []string{arn, client}}
	known := &clients{has: map[string]bool{"added": true}}
	o := &Owner{Platform: values, Clients: known, Now: time.Now}
	for fields, want := range map[string]Ownership{
		`,"requestParameters":{"userPoolId":"` + pool + `"}`: Ours, `,"requestParameters":{"clientId":"` + client + `"}`: Ours,
		`,"requestParameters":{"clientId":"added"}`: Ours, `,"requestParameters":{"clientId":"another"}`: Foreign,
		// Another account may send its records to this one's bus, those of refused calls too.
		`,"recipientAccountId":"123456789012","requestParameters":{"userPoolId":"` + pool + `"}`: Ours,
		`,"recipientAccountId":"999999999999","requestParameters":{"userPoolId":"` + pool + `"}`: Foreign,
		`,"recipientAccountId":"999999999999","requestParameters":{"clientId":"` + client + `"}`: Foreign,
		`,"recipientAccountId":"999999999999"`:                                                   Foreign,
		`,"recipientAccountId":"123456789012"`:                                                   Unnamed,
		`,"recipientAccountId":123456789012`:                                                     Unnamed,
	} {
		if got, of, err := o.Of(t.Context(), parsed(t, call(fields))); err != nil || got != pool || of != want {
			t.Errorf("%s: %s, %v, %v; want %s, %v", fields, got, of, err, pool, want)
		}
	}
	if values.values[0] != arn {
		t.Error("the parameters' own values were changed")
	}
	values.err = errors.New("down")
	if _, _, err := o.Of(t.Context(), parsed(t, call(""))); !errors.Is(err, values.err) {
		t.Errorf("error %v", err)
	}
}
