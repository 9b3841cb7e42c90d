package telemetry

// Gap: API Gateway takes part in a trace, the emulator's does not. It makes no segment
// of its stage and passes on a header that nobody can read. It puts the trace's id
// neither into an answer nor into an error whose template has $context.xrayTraceId. Delete this file when the emulator does all of it.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gatehouse.example/tools/internal/proxy/upstream"
)

const (
	// emulatorAccount is the only one that the emulator has.
	emulatorAccount = "000000000000"
	// traceVariable is what a gateway response or a mock integration has in its template.
	traceVariable = "$context.xrayTraceId"
	// maxAPIBody is API Gateway's.
	maxAPIBody = 10 << 20
)

// isRestAPI reports whether the path is a call of a deployed REST API.
func isRestAPI(path string) bool {
	return strings.HasPrefix(path, "/restapis/") && strings.Contains(path, "/_user_request_")
}

// restAPI serves one call of a REST API and puts the trace's id into the answer.
func (t *Traces) restAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAPIBody))
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			http.Error(w, `{"message":"Request Too Long"}`, http.StatusRequestEntityTooLarge)
		}
		return // otherwise the client went away
	}
	started, segment := time.Now(), random(8)
	caller, ok := parseHeader(r.Header.Get(upstream.TraceHeader))
	if !ok { // it brought no trace that can be read
		caller = header{Root: newTraceID(started)}
	}
	// What API Gateway calls is below the stage.
	r.Header.Set(upstream.TraceHeader, header{Root: caller.Root, Parent: segment, Unsampled: caller.Unsampled}.String())
	answer := t.up.Forward(r.Context(), r, body)
	answer.Header.Set(upstream.TraceHeader, header{Root: caller.Root, Unsampled: caller.Unsampled}.String())
	if strings.Contains(answer.Header.Get("Content-Type"), "json") && bytes.Contains(answer.Body, []byte(traceVariable)) {
		answer.Body = bytes.ReplaceAll(answer.Body, []byte(traceVariable), []byte(caller.Root))
		answer.Header.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	}
	if !caller.Unsampled {
		if err := t.keepStage(r, caller, segment, started, answer); err != nil {
			t.log.Warn("segment not kept", "error", err.Error())
		}
	}
	answer.Release(w)
}

// apiName is the API's name, or its id if the emulator does not have the name.
func (t *Traces) apiName(ctx context.Context, id string) string {
	// The id comes from the caller, and the call below is made with the root key.
	if strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return id
	}
	t.namesMu.Lock()
	defer t.namesMu.Unlock()
	if name, found := t.names[id]; found {
		return name
	}
	ctx, cancel := context.WithTimeout(ctx, upstream.Timeout)
	defer cancel()
	res, err := t.up.Send(ctx, "apigateway", http.MethodGet, "/restapis/"+id, nil, nil)
	var api struct{ Name string }
	if err != nil || json.Unmarshal(res.Body, &api) != nil || api.Name == "" {
		return id
	}
	t.names[id] = api.Name
	return api.Name
}

// seconds is a segment's kind of time.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// keepStage keeps the stage's segment as API Gateway writes it
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-understanding-xray-traces.html).
// It leaves the query out of the URL, where API Gateway writes it: it may hold what does
// not belong in a trace.
func (t *Traces) keepStage(r *http.Request, caller header, segment string, started time.Time, a *upstream.Answer) error {
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/restapis/"), "/")
	stage, _, _ := strings.Cut(rest, "/")
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	path, _, _ := strings.Cut(r.RequestURI, "?") // as it came; the proxy has changed r.URL
	document := map[string]any{
		"trace_id": caller.Root, "id": segment, "start_time": seconds(started), "end_time": seconds(time.Now()),
		"name":         t.apiName(r.Context(), id) + "/" + stage,
		"origin":       "AWS::ApiGateway::Stage",
		"resource_arn": "arn:aws:apigateway:" + t.up.Region + "::/restapis/" + id + "/stages/" + stage,
		"throttle":     a.Status == http.StatusTooManyRequests,
		"error":        a.Status >= 400 && a.Status < 500,
		"fault":        a.Status >= 500,
		"http": map[string]any{
			"request":  map[string]string{"method": r.Method, "url": "http://" + r.Host + path, "client_ip": client},
			"response": map[string]int{"status": a.Status, "content_length": len(a.Body)},
		},
		"aws": map[string]any{"api_gateway": map[string]string{
			"account_id": emulatorAccount, "rest_api_id": id, "stage": stage, "request_id": a.Header.Get("X-Amzn-Requestid"),
		}},
		"annotations": map[string]string{"aws:api_id": id, "aws:api_stage": stage},
		// Readers of the trace must see that AWS did not make this one.
		"metadata": map[string]any{"gatehouse": map[string]string{"made_by": "proxy"}},
	}
	if caller.Parent != "" {
		document["parent_id"] = caller.Parent
	}
	raw, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	documents, err := parseDocument(raw)
	t.Add(documents...)
	return err
}
