package proxy

// Gap: API Gateway puts the trace's id into each answer and, where a template of
// an error says $context.xrayTraceId, into the error. The emulator does neither
// and leaves the name of the variable. Delete this file when it does both.

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// traceVariable is what a gateway response or a mock integration has in its template.
const traceVariable = "$context.xrayTraceId"

// isRestAPI tells whether the path is a call of a deployed REST API.
func isRestAPI(path string) bool {
	return strings.HasPrefix(path, "/restapis/") && strings.Contains(path, "/_user_request_")
}

// restAPI serves one call of a REST API and puts the trace's id into the answer.
func (h *handler) restAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, apiBodyLimit))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			http.Error(w, `{"message":"Request Too Long"}`, http.StatusRequestEntityTooLarge)
		}
		return // otherwise the client went away
	}
	call := beginStage(r)
	answer := h.forward(r.Context(), r, body)
	answer.header.Set(traceHeader, call.answerHeader())
	if strings.Contains(answer.header.Get("Content-Type"), "json") && bytes.Contains(answer.body.Bytes(), []byte(traceVariable)) {
		text := bytes.ReplaceAll(answer.body.Bytes(), []byte(traceVariable), []byte(call.caller.Root))
		answer.body.Reset()
		answer.body.Write(text)
		answer.header.Set("Content-Length", strconv.Itoa(len(text)))
	}
	h.endStage(r, call, answer)
	answer.release(w)
}
