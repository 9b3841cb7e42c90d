package telemetry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	// maxTraceIDs is how many traces one BatchGetTraces may ask for
	// (https://docs.aws.amazon.com/xray/latest/api/API_BatchGetTraces.html).
	maxTraceIDs = 5
	maxIDLength = 35
	maxBody     = 8 << 20
)

// api answers the calls that write traces and read them back, in the shapes of
// https://docs.aws.amazon.com/xray/latest/api/API_Operations.html. Who may call is
// the caller's business.
type api struct {
	Store *Store
}

// serves reports whether the path is one of this API's.
func (a api) serves(path string) bool { return a.operation(path) != nil }

func (a api) operation(path string) func(body []byte) (any, error) {
	switch path {
	case "/TraceSegments":
		return a.putTraceSegments
	case "/Traces":
		return a.batchGetTraces
	case "/TraceSummaries":
		return a.getTraceSummaries
	}
	return nil
}

// badRequest is an InvalidRequestException.
type badRequest string

func (b badRequest) Error() string { return string(b) }

// ServeHTTP answers one call.
func (a api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := a.operation(r.URL.Path)
	if operation == nil || r.Method != http.MethodPost {
		writeError(w, http.StatusNotFound, "UnknownOperationException", "")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		writeError(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request is too large.")
		return
	case err != nil:
		return // the client went away
	}
	answer, err := operation(body)
	var bad badRequest
	switch {
	case errors.As(err, &bad):
		writeError(w, http.StatusBadRequest, "InvalidRequestException", bad.Error())
		return
	case err != nil:
		writeError(w, http.StatusInternalServerError, "InternalFailure", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the status is out already
}

// writeError writes an error in X-Ray's protocol.
func writeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return badRequest("The request is not valid JSON of this operation.")
	}
	return nil
}

type unprocessed struct {
	ID      string `json:"Id,omitempty"`
	Code    string `json:"ErrorCode"`
	Message string `json:"Message"`
}

func (a api) putTraceSegments(body []byte) (any, error) {
	var in struct {
		TraceSegmentDocuments []string
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if len(in.TraceSegmentDocuments) == 0 {
		return nil, badRequest("TraceSegmentDocuments must not be empty.")
	}
	refused := []unprocessed{}
	for _, text := range in.TraceSegmentDocuments {
		documents, err := parseDocument([]byte(text))
		var invalid *invalidError
		switch {
		case errors.As(err, &invalid):
			a.Store.malformed()
			refused = append(refused, unprocessed{invalid.id, invalid.code, invalid.Error()})
		case err != nil:
			return nil, fmt.Errorf("document: %w", err)
		default:
			a.Store.Add(documents...)
		}
	}
	return map[string]any{"UnprocessedTraceSegments": refused}, nil
}

type traceAnswer struct {
	ID            string    `json:"Id"`
	Duration      float64   `json:"Duration"`
	LimitExceeded bool      `json:"LimitExceeded"`
	Segments      []segment `json:"Segments"`
}

// batchGetTraces leaves out ids that nothing is known of, as X-Ray does;
// UnprocessedTraceIds are those that it could not look up, so it stays empty here.
func (a api) batchGetTraces(body []byte) (any, error) {
	var in struct {
		TraceIDs []string `json:"TraceIds"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if len(in.TraceIDs) == 0 || len(in.TraceIDs) > maxTraceIDs {
		return nil, badRequest(fmt.Sprintf("TraceIds must have 1 to %d members.", maxTraceIDs))
	}
	found := []traceAnswer{}
	for _, id := range in.TraceIDs {
		if len(id) > maxIDLength || !isTraceID(id) {
			return nil, badRequest("Invalid trace id.")
		}
		t, known := a.Store.get(strings.ToLower(id))
		if !known {
			continue
		}
		one, err := t.answer()
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return map[string]any{"Traces": found, "UnprocessedTraceIds": []string{}}, nil
}

func (t snapshot) answer() (traceAnswer, error) {
	segments, err := merge(t.documents)
	if err != nil {
		return traceAnswer{}, fmt.Errorf("trace %s: %w", t.id, err)
	}
	return traceAnswer{ID: t.id, Duration: t.summary().Duration, LimitExceeded: t.exceeded, Segments: segments}, nil
}
