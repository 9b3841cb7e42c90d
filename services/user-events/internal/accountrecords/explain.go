package accountrecords

import (
	"context"
	"errors"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
)

// Explain says what becomes of a record, for an operator who has captured one. It treats
// the record as one of the environment's pool, and its user and client as known.
func Explain(body []byte) string {
	c := &Consumer{Platform: everything{}, Pools: everything{}, Users: everything{}}
	ev, dropped, err := c.read(context.Background(), body)
	r, parsed := cloudtrail.Parse(body)
	row := byOperation[operation{r.Name, r.Page}]
	var why consume.Poison
	switch {
	case errors.As(err, &why):
		return "kept in the dead-letter queue, " + string(why)
	case err != nil || parsed != nil:
		return "delivered again" // no other error is left
	case row.Why != "":
		return "ignored, " + row.Why
	case dropped == RecordsUnattributed:
		return "counted only, it does not say whose it is"
	case dropped != "":
		return "ignored, nothing has happened"
	}
	change := ""
	if row.Change != "" {
		change = ", " + row.Change
	}
	return ev.Type() + change + " (" + string(row.From) + ")"
}

// everything knows every pool, client and user.
type everything struct{}

// Values returns the ARN of an example.
func (everything) Values(context.Context) ([]string, error) {
	return []string{"arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse"}, nil
}

// Of returns a record of a pool that is named, or of a user, as one of the environment's.
func (everything) Of(_ context.Context, r cloudtrail.Record) (string, cloudtrail.Ownership, error) {
	if r.PoolID() == "" && r.ClientID() == "" {
		return "", cloudtrail.Unnamed, nil
	}
	return contracts.PoolID(r.PoolID()), cloudtrail.Ours, nil
}

// Client knows every client.
func (everything) Client(_ context.Context, r cloudtrail.Record) (string, error) {
	return clientOf(r), nil
}

// Find knows every user.
func (everything) Find(context.Context, string, string, bool) (found, synthetic bool, err error) {
	return true, false, nil
}

// Remember does nothing.
func (everything) Remember(context.Context, string, string, bool) error { return nil }

// Forget does nothing.
func (everything) Forget(context.Context, string, string) error { return nil }
