package accountrecords

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
)

// byOperation finds the row of an operation. A page and a call of the same name differ.
var byOperation = func() map[operation]Row {
	out := map[operation]Row{}
	for _, row := range Rows() {
		out[operation{row.Operation, row.Page}] = row
	}
	return out
}()

type operation struct {
	name string
	page bool
}

// read returns the event of a record, or the metric that counts it if there is none.
func (c *Consumer) read(ctx context.Context, body []byte) (ev event.Event, dropped string, err error) {
	r, err := cloudtrail.Parse(body)
	if err != nil || !contracts.IsSub(r.ID) {
		return event.Event{}, "", notARecord
	}
	row, known := byOperation[operation{r.Name, r.Page}]
	if known && row.Why != "" || !known && !r.Page && isRead(r.Name) {
		return event.Event{}, RecordsIgnored, nil
	}
	if known && !succeeded(row, r) {
		return event.Event{}, RecordsIgnored, nil
	}
	pool, of, err := c.Pools.Of(ctx, r)
	switch {
	case err != nil:
		return event.Event{}, "", fmt.Errorf("pools.Of: %w", err)
	case of == cloudtrail.Foreign && (known || r.PoolID() != ""):
		return event.Event{}, cloudtrail.MetricForeign, nil
	case !known:
		return event.Event{}, "", unknownOperation
	}
	values, err := c.Platform.Values(ctx)
	if err != nil {
		return event.Event{}, "", fmt.Errorf("platform.Values: %w", err)
	}
	act := contracts.Act{ID: r.ID, PoolARN: values[0], Time: r.Time}
	switch ofPool := row.Type == contracts.TypePoolChanged || row.Type == contracts.TypeTokenIssued; {
	case of != cloudtrail.Ours && (ofPool || strings.HasPrefix(row.Operation, adminPrefix)):
		return event.Event{}, "", withoutAPool
	case ofPool:
		return c.ofPool(ctx, row, act, r)
	}
	return c.ofUser(ctx, row, act, r, pool, of)
}

// adminPrefix begins the names of calls that need permissions of IAM, and so a pool.
const adminPrefix = "Admin"

// succeeded reports whether something has happened. A refused token has happened, too.
func succeeded(row Row, r cloudtrail.Record) bool {
	switch {
	case row.Type == contracts.TypeTokenIssued:
		return r.Includes("grant_type", machineGrant)
	case r.ErrorCode != "":
		return false
	case row.Operation == "VerifySoftwareToken":
		return r.Response("status") != "ERROR"
	case row.Operation == "AdminCreateUser": // the invitation of a user who exists is sent again
		return r.Parameter("messageAction") != "RESEND"
	}
	return true
}

func (c *Consumer) ofPool(ctx context.Context, row Row, act contracts.Act, r cloudtrail.Record) (event.Event, string, error) {
	if row.Type == contracts.TypePoolChanged {
		ev, err := eventOf(row, act, r)
		return ev, "", err
	}
	client, err := c.Pools.Client(ctx, r)
	if err != nil {
		return event.Event{}, "", fmt.Errorf("pools.Client: %w", err)
	}
	ev, err := tokenOf(act, r, client)
	return ev, "", err
}

// ofUser makes the event of a record about a user. Calls that a user makes with a token
// name no pool, so the sub must be one of the pool's.
func (c *Consumer) ofUser(
	ctx context.Context, row Row, act contracts.Act, r cloudtrail.Record, pool string, of cloudtrail.Ownership,
) (event.Event, string, error) {
	act.Subject = r.Sub()
	switch {
	case !contracts.IsSub(act.Subject) && of == cloudtrail.Ours:
		return event.Event{}, "", withoutASub
	case !contracts.IsSub(act.Subject):
		return event.Event{}, RecordsUnattributed, nil
	}
	unnamed := of != cloudtrail.Ours
	// Cognito has no deleted user.
	found, synthetic, err := c.Users.Find(ctx, pool, act.Subject, unnamed && row.Type != contracts.TypeUserDeleted)
	switch {
	case err != nil:
		return event.Event{}, "", fmt.Errorf("users.Find: %w", err)
	case !found && unnamed:
		return event.Event{}, RecordsUnattributed, nil
	case !found && row.Type != contracts.TypeUserDeleted:
		if err := c.Users.Remember(ctx, pool, act.Subject, false); err != nil {
			return event.Event{}, "", fmt.Errorf("users.Remember: %w", err)
		}
	}
	act.Synthetic = synthetic
	ev, err := eventOf(row, act, r)
	return ev, "", err
}
