package proxy

// Gap: API Gateway takes part in a trace, the emulator's does not: it makes no
// segment of its stage, and hands on a header that nobody can read. Delete this
// file when it does the one and not the other.

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"gatehouse.example/tools/internal/xray"
)

// emulatorAccount is the only one that the emulator has.
const emulatorAccount = "000000000000"

// stages knows the names of APIs by their ids; an id is never used twice.
type stages struct {
	up    *upstream
	mu    sync.Mutex
	names map[string]string
}

// name is the API's, or its id if the emulator does not tell.
func (s *stages) name(ctx context.Context, id string) string {
	// The id is the caller's word, and the call below the root key's.
	if strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return id
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, found := s.names[id]; found {
		return name
	}
	ctx, cancel := context.WithTimeout(ctx, factLimit)
	defer cancel()
	res, err := s.up.send(ctx, "apigateway", http.MethodGet, "/restapis/"+id, nil, nil)
	var api struct{ Name string }
	if err != nil || json.Unmarshal(res.body, &api) != nil || api.Name == "" {
		return id
	}
	s.names[id] = api.Name
	return api.Name
}

// stageCall is one call of a stage on its way.
type stageCall struct {
	caller  xray.Header // the trace that it came with, or a new one
	segment string      // the stage's own
	started time.Time
}

// beginStage makes the call part of a trace: the caller's, or a new one if it
// brought none that can be read. What API Gateway calls hangs below the stage.
func beginStage(r *http.Request) stageCall {
	c := stageCall{segment: xray.NewSegmentID(), started: time.Now()}
	caller, ok := xray.ParseHeader(r.Header.Get(traceHeader))
	if !ok {
		caller = xray.Header{Root: xray.NewTraceID(c.started)}
	}
	c.caller = caller
	r.Header.Set(traceHeader, xray.Header{Root: caller.Root, Parent: c.segment, Unsampled: caller.Unsampled}.String())
	return c
}

// answerHeader is what the caller gets: the trace, and whether it is kept.
func (c stageCall) answerHeader() string {
	return xray.Header{Root: c.caller.Root, Unsampled: c.caller.Unsampled}.String()
}

// endStage keeps the stage's segment.
func (h *handler) endStage(r *http.Request, c stageCall, a *answer) {
	if c.caller.Unsampled {
		return
	}
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/restapis/"), "/")
	stage, _, _ := strings.Cut(rest, "/")
	s := stageSegment(r, a)
	s.TraceID, s.ID, s.ParentID = c.caller.Root, c.segment, c.caller.Parent
	s.Start, s.End = seconds(c.started), seconds(time.Now())
	s.Name = h.stages.name(r.Context(), id) + "/" + stage
	s.ResourceARN = "arn:aws:apigateway:" + h.up.region + "::/restapis/" + id + "/stages/" + stage
	s.AWS = map[string]any{"api_gateway": map[string]string{
		"account_id": emulatorAccount, "rest_api_id": id, "stage": stage, "request_id": a.header.Get("X-Amzn-Requestid"),
	}}
	s.Annotations = map[string]string{"aws:api_id": id, "aws:api_stage": stage}
	raw, err := json.Marshal(s)
	if err != nil {
		h.log.Warn("segment not written", "error", err.Error())
		return
	}
	documents, err := xray.ParseDocument(raw)
	if err != nil {
		h.log.Warn("segment not kept", "error", err.Error())
		return
	}
	h.xray.Store.Add(documents...)
}

// seconds is a segment's kind of time.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// segment is a document as API Gateway writes it
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-understanding-xray-traces.html).
type segment struct {
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
	HTTP        segmentHTTP               `json:"http"`
	AWS         map[string]any            `json:"aws"`
	Annotations map[string]string         `json:"annotations"`
	Metadata    map[string]map[string]any `json:"metadata"`
}

type segmentHTTP struct {
	Request  map[string]any `json:"request"`
	Response map[string]any `json:"response,omitempty"`
}

// stageSegment says what was asked and answered. It leaves the query out of the
// URL, where API Gateway writes it: it may hold what belongs into no trace.
func stageSegment(r *http.Request, a *answer) segment {
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	path, _, _ := strings.Cut(r.RequestURI, "?") // as it came; the door has changed r.URL
	return segment{
		Origin: "AWS::ApiGateway::Stage",
		HTTP: segmentHTTP{
			Request:  map[string]any{"method": r.Method, "url": "http://" + r.Host + path, "client_ip": client},
			Response: map[string]any{"status": a.status, "content_length": a.body.Len()},
		},
		Throttle: a.status == http.StatusTooManyRequests,
		Error:    a.status >= 400 && a.status < 500,
		Fault:    a.status >= 500,
		// Whoever reads the trace shall know that AWS did not make this one.
		Metadata: map[string]map[string]any{"gatehouse": {"made_by": "edge"}},
	}
}
