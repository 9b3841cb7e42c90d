package proxy

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
)

// ask makes an unsigned call of the Cognito API in the person's name, on the way
// that every other caller's goes: triggers, errors and records are the same. The
// error is a *cognitoError unless the call could not be made at all.
func (h *handler) ask(r *http.Request, action string, in map[string]any, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("edge: %s: %w", action, err)
	}
	ctx := context.WithoutCancel(r.Context())
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("edge: %s: %w", action, err)
	}
	call.Host, call.RemoteAddr = r.Host, r.RemoteAddr
	call.Header.Set("X-Amz-Target", cognitoTarget+action)
	call.Header.Set("Content-Type", "application/x-amz-json-1.1")
	for _, name := range []string{traceHeader, "User-Agent"} {
		if v := r.Header.Get(name); v != "" {
			call.Header.Set(name, v)
		}
	}
	reply := &answer{status: http.StatusOK, header: http.Header{}}
	h.pass(reply, call)
	if reply.status != http.StatusOK {
		api := readError(reply.result())
		return &cognitoError{api.Code, api.Message}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(reply.body.Bytes(), out); err != nil {
		return fmt.Errorf("edge: %s: answer: %w", action, err)
	}
	return nil
}

// person names client and user in a call, with the proof that a client with a
// secret needs.
func (a appRequest) person(name string, more map[string]any) map[string]any {
	in := map[string]any{"ClientId": a.client.ID, "Username": name}
	if a.client.Secret != "" {
		in["SecretHash"] = a.client.secretHash(name)
	}
	for k, v := range more {
		in[k] = v
	}
	return in
}

func (c client) secretHash(name string) string {
	mac := hmac.New(sha256.New, []byte(c.Secret))
	mac.Write([]byte(name + c.ID))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
