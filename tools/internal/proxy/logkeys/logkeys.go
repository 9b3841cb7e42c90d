package proxy

// Gap: the emulator keeps the key of a log group that is made with one, but knows
// neither AssociateKmsKey nor DisassociateKmsKey. The edge keeps the association
// and shows it in DescribeLogGroups. Delete this file when the emulator does both.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
)

const logsTarget = "Logs_20140328."

// logKeys remembers which key was put on which group since the emulator started;
// both begin empty, and both forget at the end.
type logKeys struct {
	up *upstream
	mu sync.Mutex
	of map[string]logKey
}

// logKey counts as long as the group is the same one and nobody gave it another
// key through CloudFormation.
type logKey struct {
	created     int64
	before, now string
}

// logs finds the gap that a call of CloudWatch Logs falls into, or nil.
func (h *handler) logs(r *http.Request) http.HandlerFunc {
	action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), logsTarget)
	if !ok || r.Method != http.MethodPost {
		return nil
	}
	switch action {
	case "AssociateKmsKey", "DisassociateKmsKey":
		return h.changeLogKey
	case "DescribeLogGroups":
		if h.logKeys.any() {
			return h.showLogKeys
		}
	}
	return nil
}

// changeLogKey lets the emulator check signature and permission first; that it does
// not know the action is what it says last.
func (h *handler) changeLogKey(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, cognitoBodyLimit))
	if err != nil {
		return // too large, or the caller went away
	}
	ctx := context.WithoutCancel(r.Context())
	reply := h.forward(ctx, r, body)
	if failure := readError(reply.result()); reply.status < 400 || failure.Code != "InvalidOperationException" || !strings.HasPrefix(failure.Message, "Unknown action") {
		reply.release(w)
		return
	}
	var in struct {
		Name     string `json:"logGroupName"`
		Resource string `json:"resourceIdentifier"`
		KeyARN   string `json:"kmsKeyId"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		reply.release(w)
		return
	}
	if _, name, ok := strings.Cut(in.Resource, ":log-group:"); ok {
		in.Name = strings.TrimSuffix(name, ":*")
	}
	failure, err := h.logKeys.set(ctx, in.Name, in.KeyARN, strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".AssociateKmsKey"))
	switch {
	case err != nil:
		h.log.ErrorContext(ctx, "gap failed", "action", "AssociateKmsKey", "error", err.Error())
		failure = &apiError{Status: http.StatusInternalServerError, Code: "ServiceUnavailableException", Message: "The local edge could not read what this call needs."}
		fallthrough
	case failure != nil:
		failure.write(w)
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusOK) // without a body, as on AWS
	}
}

// set puts the key on the group, or takes it off. The failure is the caller's, the
// error the edge's own.
func (k *logKeys) set(ctx context.Context, name, keyARN string, associate bool) (*apiError, error) {
	group, ok, err := k.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &apiError{http.StatusBadRequest, "ResourceNotFoundException", "The specified log group does not exist."}, nil
	}
	if !associate {
		keyARN = ""
	} else if refusal := k.refusal(ctx, keyARN, group); refusal != nil {
		return refusal, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.of == nil {
		k.of = map[string]logKey{}
	}
	k.of[name] = logKey{created: group.Created, before: group.KeyARN, now: keyARN}
	return nil, nil
}

// find reads one group as the emulator has it.
func (k *logKeys) find(ctx context.Context, name string) (found logGroup, ok bool, err error) {
	groups, err := listLogGroups(ctx, k.up, name)
	for _, g := range groups {
		if g.Name == name {
			return g, true, err
		}
	}
	return found, false, err
}

// refusal asks the key and its policy what CloudWatch Logs asks: whether it may
// encrypt for this group. Codes and texts were seen on AWS; README.md names where.
func (k *logKeys) refusal(ctx context.Context, keyARN string, group logGroup) *apiError {
	var key struct {
		KeyMetadata struct {
			State string `json:"KeyState"`
			Spec  string `json:"KeySpec"`
		}
	}
	err := k.up.json(ctx, "kms", "TrentService.DescribeKey", map[string]any{"KeyId": keyARN}, &key)
	if err != nil || key.KeyMetadata.State != "Enabled" || key.KeyMetadata.Spec != "SYMMETRIC_DEFAULT" {
		return &apiError{http.StatusBadRequest, "InvalidParameterException", fmt.Sprintf("The specified KMS Key Id could not be found. '%s'", group.Name)}
	}
	var policy struct{ Policy string }
	err = k.up.json(ctx, "kms", "TrentService.GetKeyPolicy", map[string]any{"KeyId": keyARN, "PolicyName": "default"}, &policy)
	groupARN := strings.TrimSuffix(group.ARN, ":*")
	for _, action := range []string{"kms:GenerateDataKey", "kms:Decrypt"} {
		question := ask{
			service: "logs." + k.up.region + ".amazonaws.com", action: action, resource: keyARN,
			keys: map[string]string{"kms:encryptioncontext:aws:logs:arn": groupARN},
		}
		if err != nil || !question.allowedBy(policy.Policy) {
			return &apiError{
				http.StatusBadRequest, "AccessDeniedException",
				fmt.Sprintf("The specified KMS key does not exist or is not allowed to be used with Arn '%s'", groupARN),
			}
		}
	}
	return nil
}

func (k *logKeys) any() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.of) > 0
}

// showLogKeys puts the keys into the answer; every other part of it stays.
func (h *handler) showLogKeys(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, cognitoBodyLimit))
	if err != nil {
		return
	}
	reply := h.forward(r.Context(), r, body)
	if shown, ok := h.logKeys.show(reply.body.Bytes()); ok && reply.status == http.StatusOK {
		reply.header.Del("Content-Length")
		reply.body = *bytes.NewBuffer(shown)
	}
	reply.release(w)
}

// show is false for an answer that it does not understand.
func (k *logKeys) show(answer []byte) ([]byte, bool) {
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

// write answers in the shape of AWS's JSON services.
func (e *apiError) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": e.Code, "message": e.Message})
}
