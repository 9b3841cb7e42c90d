// Package logkeys remembers which key was put on which log group.
//
// Gap: the emulator keeps the key of a log group that is made with one, but knows
// neither AssociateKmsKey nor DisassociateKmsKey. The proxy keeps the association and
// shows it in DescribeLogGroups. Delete this package when the emulator does both.
package logkeys

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/policy"
)

// Keys are those that were put on groups since the emulator started. Both begin empty,
// and both forget at the end.
type Keys struct {
	up  *upstream.Client
	log *slog.Logger
	mu  sync.Mutex
	of  map[string]logKey
}

// New begins without any key.
func New(up *upstream.Client, log *slog.Logger) *Keys {
	return &Keys{up: up, log: log, of: map[string]logKey{}}
}

// logKey is valid as long as the group is the same one and nobody gave it another key
// through CloudFormation.
type logKey struct {
	created     int64
	before, now string
}

// Handler answers the calls of this gap; it is nil for every other request.
func (k *Keys) Handler(r *http.Request) http.HandlerFunc {
	action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), upstream.LogsTarget)
	if !ok || r.Method != http.MethodPost {
		return nil
	}
	switch action {
	case "AssociateKmsKey", "DisassociateKmsKey":
		return k.change
	case "DescribeLogGroups":
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.of) > 0 {
			return k.describe
		}
	}
	return nil
}

// change lets the emulator check signature and permission first. It answers that it does
// not know the action only after that.
func (k *Keys) change(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, upstream.MaxBody))
	if err != nil {
		return // too large, or the caller went away
	}
	ctx := context.WithoutCancel(r.Context())
	reply := k.up.Forward(ctx, r, body)
	var in struct {
		Name     string `json:"logGroupName"`
		Resource string `json:"resourceIdentifier"`
		KeyARN   string `json:"kmsKeyId"`
	}
	failure := reply.Err()
	unknown := reply.Status >= 400 && failure.Code == "InvalidOperationException" && strings.HasPrefix(failure.Message, "Unknown action")
	if !unknown || json.Unmarshal(body, &in) != nil {
		reply.Release(w)
		return
	}
	if _, name, ok := strings.Cut(in.Resource, ":log-group:"); ok {
		in.Name = strings.TrimSuffix(name, ":*")
	}
	failure, err = k.set(ctx, in.Name, in.KeyARN, strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".AssociateKmsKey"))
	switch {
	case err != nil:
		k.log.ErrorContext(ctx, "call not answered", "action", "AssociateKmsKey", "error", err.Error())
		failure = &upstream.APIError{Status: http.StatusInternalServerError, Code: "ServiceUnavailableException", Message: "The local proxy could not read what this call needs."}
		fallthrough
	case failure != nil:
		failure.Write(w)
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusOK) // without a body, as on AWS
	}
}

// set puts the key on the group, or takes it off. The failure is the caller's, the
// error the proxy's own.
func (k *Keys) set(ctx context.Context, name, keyARN string, associate bool) (*upstream.APIError, error) {
	groups, err := k.up.LogGroups(ctx, name)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(groups, func(g upstream.LogGroup) bool { return g.Name == name })
	if i < 0 {
		return badRequest("ResourceNotFoundException", "The specified log group does not exist."), nil
	}
	group := groups[i]
	if !associate {
		keyARN = ""
	} else if refusal := k.refusal(ctx, keyARN, group); refusal != nil {
		return refusal, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of[name] = logKey{created: group.Created, before: group.KeyARN, now: keyARN}
	return nil, nil
}

// refusal asks the key and its policy what CloudWatch Logs asks: whether it may
// encrypt for this group. Codes and texts were seen on AWS; README.md names where.
func (k *Keys) refusal(ctx context.Context, keyARN string, group upstream.LogGroup) *upstream.APIError {
	var key struct {
		KeyMetadata struct {
			State string `json:"KeyState"`
			Spec  string `json:"KeySpec"`
		}
	}
	err := k.up.JSON(ctx, "kms", "TrentService.DescribeKey", map[string]any{"KeyId": keyARN}, &key)
	if err != nil || key.KeyMetadata.State != "Enabled" || key.KeyMetadata.Spec != "SYMMETRIC_DEFAULT" {
		return badRequest("InvalidParameterException", "The specified KMS Key Id could not be found. '"+group.Name+"'")
	}
	var attached struct{ Policy string }
	err = k.up.JSON(ctx, "kms", "TrentService.GetKeyPolicy", map[string]any{"KeyId": keyARN, "PolicyName": "default"}, &attached)
	groupARN := strings.TrimSuffix(group.ARN, ":*")
	for _, action := range []string{"kms:GenerateDataKey", "kms:Decrypt"} {
		question := policy.Request{
			Service: "logs." + k.up.Region + ".amazonaws.com", Action: action, Resource: keyARN,
			Keys: map[string]string{"kms:encryptioncontext:aws:logs:arn": groupARN},
		}
		if err != nil || !question.AllowedBy(attached.Policy) {
			return badRequest("AccessDeniedException",
				"The specified KMS key does not exist or is not allowed to be used with Arn '"+groupARN+"'")
		}
	}
	return nil
}

// describe puts the keys into the answer; every other part of it stays.
func (k *Keys) describe(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, upstream.MaxBody))
	if err != nil {
		return
	}
	reply := k.up.Forward(r.Context(), r, body)
	if shown, ok := k.show(reply.Body); ok && reply.Status == http.StatusOK {
		reply.Header.Del("Content-Length")
		reply.Body = shown
	}
	reply.Release(w)
}

// show is false for an answer that it does not understand.
func (k *Keys) show(answer []byte) ([]byte, bool) {
	var out map[string]json.RawMessage
	var groups []map[string]json.RawMessage
	if json.Unmarshal(answer, &out) != nil || json.Unmarshal(out["logGroups"], &groups) != nil {
		return nil, false
	}
	k.mu.Lock()
	keys := maps.Clone(k.of)
	k.mu.Unlock()
	for _, group := range groups {
		var name, before string
		var created int64
		_ = json.Unmarshal(group["logGroupName"], &name)
		_ = json.Unmarshal(group["creationTime"], &created)
		_ = json.Unmarshal(group["kmsKeyId"], &before) // absent without one
		key, ok := keys[name]
		if !ok || key.created != created || key.before != before {
			continue
		}
		delete(group, "kmsKeyId")
		if key.now != "" {
			group["kmsKeyId"], _ = json.Marshal(key.now) // a string always encodes
		}
	}
	var err error
	if out["logGroups"], err = json.Marshal(groups); err != nil {
		return nil, false
	}
	shown, err := json.Marshal(out)
	return shown, err == nil
}

func badRequest(code, message string) *upstream.APIError {
	return &upstream.APIError{Status: http.StatusBadRequest, Code: code, Message: message}
}
