package edge

// Gap: API Gateway takes part in a trace, the emulator's does not: it makes no
// segment of its stage, and passes a header on as it came. Delete this file when
// it does both.

import (
	"encoding/json"
	"net"
	"net/http"
	"time"

	"gatehouse.example/platform/local/xray"
)

// restStage is a deployed stage of a REST API.
type restStage struct {
	API     string // its id
	Name    string // the API's
	Stage   string
	Account string
	Region  string
}

// throughStage passes one call of an API on as part of a trace: the caller's, or a
// new one if it brought none that can be read. The segment is the stage's own, and
// what API Gateway calls hangs below it.
func (h *handler) throughStage(w http.ResponseWriter, r *http.Request, at restStage) {
	inbound, ok := xray.ParseHeader(r.Header.Get(xray.HeaderName))
	started := time.Now()
	if !ok {
		inbound = xray.Header{Root: xray.NewTraceID(started)}
	}
	own := xray.Header{Root: inbound.Root, Parent: xray.NewSegmentID(), Unsampled: inbound.Unsampled}
	r = r.Clone(r.Context())
	r.Header.Set(xray.HeaderName, own.String())
	watched := &watchedAnswer{ResponseWriter: w, trace: xray.Header{Root: own.Root, Unsampled: own.Unsampled}}
	h.proxy.ServeHTTP(watched, r)
	if own.Unsampled {
		return
	}
	segment := stageSegment(r, at, watched)
	segment.TraceID, segment.ID, segment.ParentID = own.Root, own.Parent, inbound.Parent
	segment.Start, segment.End = seconds(started), seconds(time.Now())
	raw, err := json.Marshal(segment)
	if err != nil {
		h.log.Warn("segment not written", "error", err.Error())
		return
	}
	h.xray.Store.Add(xray.Document{TraceID: own.Root, ID: own.Parent, Raw: raw})
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

// stageSegment leaves the query out of the URL, where API Gateway writes it: it
// may hold what belongs into no trace.
func stageSegment(r *http.Request, at restStage, a *watchedAnswer) segment {
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	s := segment{
		Name: at.Name + "/" + at.Stage, Origin: "AWS::ApiGateway::Stage",
		ResourceARN: "arn:aws:apigateway:" + at.Region + "::/restapis/" + at.API + "/stages/" + at.Stage,
		HTTP: segmentHTTP{Request: map[string]any{
			"method": r.Method, "url": "http://" + r.Host + r.URL.EscapedPath(), "client_ip": client,
		}},
		AWS: map[string]any{"api_gateway": map[string]string{
			"account_id": at.Account, "rest_api_id": at.API, "stage": at.Stage,
			"request_id": a.Header().Get("X-Amzn-Requestid"),
		}},
		Annotations: map[string]string{"aws:api_id": at.API, "aws:api_stage": at.Stage},
		// Whoever reads the trace shall know that AWS did not make this one.
		Metadata: map[string]map[string]any{"gatehouse": {"made_by": "edge"}},
	}
	if a.status != 0 {
		s.HTTP.Response = map[string]any{"status": a.status, "content_length": a.length}
	}
	s.Throttle = a.status == http.StatusTooManyRequests
	s.Error = a.status >= 400 && a.status < 500
	s.Fault = a.status >= 500
	return s
}

// watchedAnswer notes an answer's status and length, and puts the trace's id on it
// where the function has not.
type watchedAnswer struct {
	http.ResponseWriter
	trace  xray.Header
	status int
	length int
}

func (a *watchedAnswer) WriteHeader(status int) {
	if a.status == 0 && a.Header().Get(xray.HeaderName) == "" {
		a.Header().Set(xray.HeaderName, a.trace.String())
	}
	if status >= http.StatusOK { // a 1xx is not the answer yet
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *watchedAnswer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	n, err := a.ResponseWriter.Write(p)
	a.length += n
	return n, err //nolint:wrapcheck // the caller is to see the writer's own error
}

// Unwrap lets the proxy flush.
func (a *watchedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
