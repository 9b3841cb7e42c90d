package telemetry

// Gap: API Gateway takes part in a trace, the emulator's does not. It makes no segment
// of its stage and passes on a header that nobody can read. It puts the trace's id
// neither into an answer nor into an error whose template has $context.xrayTraceId. Delete this file when the emulator does all of it.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
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
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			http.Error(w, `{"message":"Request Too Long"}`, http.StatusRequestEntityTooLarge)
		}
		return // otherwise the client went away
	}
	call := beginStage(r)
	answer := t.up.Forward(r.Context(), r, body)
	answer.Header.Set(upstream.TraceHeader, call.answerHeader())
	if strings.Contains(answer.Header.Get("Content-Type"), "json") && bytes.Contains(answer.Body, []byte(traceVariable)) {
		answer.Body = bytes.ReplaceAll(answer.Body, []byte(traceVariable), []byte(call.caller.Root))
		answer.Header.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	}
	t.endStage(r, call, answer)
	answer.Release(w)
}

// stages knows the names of APIs by their ids; an id is never used twice.
type stages struct {
	up    *upstream.Client
	mu    sync.Mutex
	names map[string]string
}

// name is the API's, or its id if the emulator does not have the name.
func (s *stages) name(ctx context.Context, id string) string {
	// The id comes from the caller, and the call below is made with the root key.
	if strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return id
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, found := s.names[id]; found {
		return name
	}
	ctx, cancel := context.WithTimeout(ctx, upstream.Timeout)
	defer cancel()
	res, err := s.up.Send(ctx, "apigateway", http.MethodGet, "/restapis/"+id, nil, nil)
	var api struct{ Name string }
	if err != nil || json.Unmarshal(res.Body, &api) != nil || api.Name == "" {
		return id
	}
	s.names[id] = api.Name
	return api.Name
}

// stageCall is one call of a stage on its way.
type stageCall struct {
	caller  header // the trace that it came with, or a new one
	segment string // the stage's own
	started time.Time
}

// beginStage makes the call part of a trace: the caller's, or a new one if it
// brought none that can be read. What API Gateway calls hangs below the stage.
func beginStage(r *http.Request) stageCall {
	c := stageCall{segment: newSegmentID(), started: time.Now()}
	caller, ok := parseHeader(r.Header.Get(upstream.TraceHeader))
	if !ok {
		caller = header{Root: newTraceID(c.started)}
	}
	c.caller = caller
	r.Header.Set(upstream.TraceHeader, header{Root: caller.Root, Parent: c.segment, Unsampled: caller.Unsampled}.String())
	return c
}

// answerHeader is what the caller gets: the trace, and whether it is kept.
func (c stageCall) answerHeader() string {
	return header{Root: c.caller.Root, Unsampled: c.caller.Unsampled}.String()
}

// endStage keeps the stage's segment.
func (t *Traces) endStage(r *http.Request, c stageCall, a *upstream.Answer) {
	if c.caller.Unsampled {
		return
	}
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/restapis/"), "/")
	stage, _, _ := strings.Cut(rest, "/")
	s := stageSegment(r, a)
	s.TraceID, s.ID, s.ParentID = c.caller.Root, c.segment, c.caller.Parent
	s.Start, s.End = seconds(c.started), seconds(time.Now())
	s.Name = t.stages.name(r.Context(), id) + "/" + stage
	s.ResourceARN = "arn:aws:apigateway:" + t.up.Region + "::/restapis/" + id + "/stages/" + stage
	s.AWS = map[string]any{"api_gateway": map[string]string{
		"account_id": emulatorAccount, "rest_api_id": id, "stage": stage, "request_id": a.Header.Get("X-Amzn-Requestid"),
	}}
	s.Annotations = map[string]string{"aws:api_id": id, "aws:api_stage": stage}
	raw, err := json.Marshal(s)
	if err != nil {
		t.log.Warn("segment not written", "error", err.Error())
		return
	}
	documents, err := parseDocument(raw)
	if err != nil {
		t.log.Warn("segment not kept", "error", err.Error())
		return
	}
	t.store.Add(documents...)
}

// seconds is a segment's kind of time.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// stageDocument is a segment as API Gateway writes it
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-understanding-xray-traces.html).
type stageDocument struct {
	TraceID     string                    `json:"trace_id"`
	ID          string                    `json:"id"`
	ParentID    string                    `json:"parent_id,omitempty"`
	Name        string                    `json:"name"`
	Origin      string                    `json:"origin"`
	ResourceARN string                    `json:"resource_arn"`
	Start       float64                   `json:"start_time"`
	End         float64                   `json:"end_time"`
	Error       bool                      `json:"error,omitempty"`
	Throttle    bool                      `json:"throttle,omitempty"`
	Fault       bool                      `json:"fault,omitempty"`
	HTTP        stageHTTP                 `json:"http"`
	AWS         map[string]any            `json:"aws"`
	Annotations map[string]string         `json:"annotations"`
	Metadata    map[string]map[string]any `json:"metadata"`
}

type stageHTTP struct {
	Request  map[string]any `json:"request"`
	Response map[string]any `json:"response,omitempty"`
}

// stageSegment says what was asked and answered. It leaves the query out of the
// URL, where API Gateway writes it: it may hold what does not belong in a trace.
func stageSegment(r *http.Request, a *upstream.Answer) stageDocument {
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	path, _, _ := strings.Cut(r.RequestURI, "?") // as it came; the proxy has changed r.URL
	return stageDocument{
		Origin: "AWS::ApiGateway::Stage",
		HTTP: stageHTTP{
			Request:  map[string]any{"method": r.Method, "url": "http://" + r.Host + path, "client_ip": client},
			Response: map[string]any{"status": a.Status, "content_length": len(a.Body)},
		},
		Throttle: a.Status == http.StatusTooManyRequests,
		Error:    a.Status >= 400 && a.Status < 500,
		Fault:    a.Status >= 500,
		// Readers of the trace must see that AWS did not make this one.
		Metadata: map[string]map[string]any{"gatehouse": {"made_by": "proxy"}},
	}
}
