package encryptor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"gatehouse.example/lambdakit/emf"
)

// CreatedHandler encrypts a log group when CloudTrail reports its creation.
type CreatedHandler struct {
	Groups      *Directory
	Keeper      *Keeper
	Prefixes    Prefixes
	Retention   int32
	Environment string
	Out         io.Writer
	Log         *slog.Logger
	Now         func() time.Time
}

// Handle takes the detail of one event. The group's key and retention are read
// from CloudWatch Logs and not from the record, which is minutes old: its owner may
// have changed the group since.
func (h *CreatedHandler) Handle(ctx context.Context, detail json.RawMessage) error {
	name, ok := groupName(detail)
	if !ok || !h.Prefixes.Covers(name) {
		return nil
	}
	g, found, err := h.Groups.Find(ctx, name)
	if err != nil {
		return fmt.Errorf("created: %w", err)
	}
	if !found {
		h.Log.InfoContext(ctx, "log group no longer exists", "logGroup", name)
		return nil
	}
	r, err := h.Keeper.Keep(ctx, g, h.Retention)
	if r.Encrypted {
		h.Log.InfoContext(ctx, "encrypted", "logGroup", name)
		batch := emf.New(h.Environment)
		batch.Add("LogGroupsEncrypted", emf.Count, 1)
		if err := batch.Flush(h.Out, h.Now()); err != nil {
			h.Log.WarnContext(ctx, "metric not written", "error", err.Error())
		}
	}
	if r.Other {
		h.Log.WarnContext(ctx, "log group has another key, which is left in place", "logGroup", name)
	}
	if err != nil {
		return fmt.Errorf("created: %s: %w", name, err)
	}
	return nil
}

// record is the part of a CloudTrail record that is read. The parameters may be a
// string, null or missing instead of an object, so they are decoded separately.
type record struct {
	EventName  string          `json:"eventName"`
	ErrorCode  string          `json:"errorCode"`
	Parameters json.RawMessage `json:"requestParameters"`
}

// groupName is the name of the group that a successful CreateLogGroup created.
func groupName(detail json.RawMessage) (string, bool) {
	var r record
	if json.Unmarshal(detail, &r) != nil || r.EventName != "CreateLogGroup" || r.ErrorCode != "" {
		return "", false
	}
	var p struct {
		Name string `json:"logGroupName"`
	}
	if json.Unmarshal(r.Parameters, &p) != nil {
		return "", false
	}
	return p.Name, p.Name != ""
}
