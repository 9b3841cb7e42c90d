// Package created encrypts a log group as soon as CloudTrail has told of its
// creation, whoever created it.
package created

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"gatehouse.example/lambdakit/metrics"
	"gatehouse.example/services/log-encryptor/internal/loggroup"
	"gatehouse.example/services/log-encryptor/internal/prefix"
)

// Handler has what one record needs.
type Handler struct {
	Groups      *loggroup.Directory
	Keeper      *loggroup.Keeper
	Prefixes    prefix.Set
	Retention   int32
	Environment string
	Out         io.Writer
	Log         *slog.Logger
	Now         func() time.Time
}

// Handle takes the detail of one event. The group's key and retention are read
// from CloudWatch Logs and not from the record: minutes have passed, and whoever
// created it may have gone on.
func (h *Handler) Handle(ctx context.Context, detail json.RawMessage) error {
	name, ok := groupName(detail)
	if !ok || !h.Prefixes.Covers(name) {
		return nil
	}
	g, found, err := h.Groups.Find(ctx, name)
	if err != nil {
		return fmt.Errorf("created: %w", err)
	}
	if !found {
		h.Log.InfoContext(ctx, "log group is gone", "logGroup", name)
		return nil
	}
	r, err := h.Keeper.Keep(ctx, g, h.Retention)
	if r.Encrypted {
		h.Log.InfoContext(ctx, "encrypted", "logGroup", name)
		batch := metrics.New(h.Environment)
		batch.Add("LogGroupsEncrypted", metrics.Count, 1)
		if err := batch.Flush(h.Out, h.Now()); err != nil {
			h.Log.WarnContext(ctx, "not counted", "error", err.Error())
		}
	}
	if r.Other {
		h.Log.WarnContext(ctx, "log group has another key and keeps it", "logGroup", name)
	}
	if err != nil {
		return fmt.Errorf("created: %s: %w", name, err)
	}
	return nil
}

// record is the part of a CloudTrail record that counts. CloudTrail may put a
// string, null or nothing where an object is expected, so the parameters are read
// on their own.
type record struct {
	EventName  string          `json:"eventName"`
	ErrorCode  string          `json:"errorCode"`
	Parameters json.RawMessage `json:"requestParameters"`
}

// groupName is the name of the group that a successful CreateLogGroup made.
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
