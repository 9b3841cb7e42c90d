package hostedpages

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// ask makes an unsigned call of the Cognito API in the person's name. It takes the same
// way as every other caller's: triggers, errors and records are the same. The
// error is an *upstream.CognitoError unless the call could not be made at all.
func (p *Pages) ask(r *http.Request, action string, in map[string]any, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	ctx := context.WithoutCancel(r.Context())
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	call.Host, call.RemoteAddr = r.Host, r.RemoteAddr
	call.Header.Set("X-Amz-Target", upstream.CognitoTarget+action)
	call.Header.Set("Content-Type", "application/x-amz-json-1.1")
	for _, name := range []string{upstream.TraceHeader, "User-Agent"} {
		if v := r.Header.Get(name); v != "" {
			call.Header.Set(name, v)
		}
	}
	reply := upstream.Record(p.cfg.Calls, call)
	if reply.Status != http.StatusOK {
		api := reply.Err()
		return upstream.Refuse(api.Code, api.Message)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(reply.Body, out); err != nil {
		return fmt.Errorf("%s: answer: %w", action, err)
	}
	return nil
}

// person names client and user in a call, with the proof that a client with a
// secret needs.
func (a appRequest) person(name string, more map[string]any) map[string]any {
	in := map[string]any{"ClientId": a.client.ID, "Username": name}
	if a.client.Secret != "" {
		in["SecretHash"] = a.client.SecretHash(name)
	}
	for k, v := range more {
		in[k] = v
	}
	return in
}
