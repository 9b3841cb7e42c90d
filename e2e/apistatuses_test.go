package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatehouse.example/contracts"
)

// unprovoked reports whether nothing outside of AWS can cause a status at a path: the
// gateway's own failures, and its refusals of a caller by a filter. services/api/errors.yaml
// has their answers, which a test there compares with the document.
func unprovoked(path, status string) bool {
	return status == "default" || status == "403" && path != "/activity/{sub}" ||
		status == "500" && path != "/openapi.json" && path != "/schemas"
}

// TestEveryStatusOfTheAPI provokes each status that the OpenAPI document has. It changes
// settings of the stage.
func TestEveryStatusOfTheAPI(t *testing.T) {
	t.Parallel()
	s := alone(t)
	var doc struct {
		Paths map[string]struct {
			Get struct{ Responses map[string]any }
		}
	}
	if err := json.Unmarshal(s.call(t, http.MethodGet, "/openapi.json", "").Body, &doc); err != nil {
		t.Fatal(err)
	}
	p := s.member(t)
	p.becomesAuditor(t)
	person := p.tokens(t).id
	other := s.member(t).tokens(t).id
	tokens := map[string]string{"/user": person, "/activity": person, "/activity/{sub}": person, "/client": s.machineToken(t)}
	address := strings.NewReplacer("{sub}", p.Sub, "{name}", contracts.TypeUserCreated+".json").Replace
	for _, status := range []string{"200", "304", "400", "401", "403", "404", "405", "429", "500", "503"} {
		restore := s.condition(t, status)
		for path, item := range doc.Paths {
			if _, has := item.Get.Responses[status]; !has || unprovoked(path, status) {
				continue
			}
			delete(item.Get.Responses, status)
			method, to, token, headers := http.MethodGet, address(path), tokens[path], []string{}
			switch status {
			case "304":
				headers = []string{"If-None-Match", "*"}
			case "400":
				to += "?limit=0"
			case "401":
				token = ""
			case "403":
				token = other
			case "404":
				to = strings.Replace(path, "{name}", "nothing.json", 1)
			case "405":
				method = http.MethodDelete
			}
			s.answers(t, status, s.call(t, method, to, token, headers...), path)
		}
		restore()
	}
	for path, item := range doc.Paths {
		for status := range item.Get.Responses {
			if !unprovoked(path, status) {
				t.Errorf("%s: no test provokes %s", path, status)
			}
		}
	}
}

// answers checks an answer, and the header that tells a caller what to do.
func (s *system) answers(t *testing.T, status string, got reply, path string) {
	t.Helper()
	if strconv.Itoa(got.Status) != status {
		t.Errorf("%s: %d %s, want %s", path, got.Status, got.Body, status)
		return
	}
	if got.Status >= http.StatusBadRequest {
		got.refused(t, got.Status, "")
	}
	header := map[string]string{"304": "ETag", "401": "WWW-Authenticate", "405": "Allow", "429": "Retry-After", "503": "Retry-After"}[status]
	if header == "" {
		return
	}
	exposed := strings.Split(got.Header.Get("Access-Control-Expose-Headers"), ", ")
	if got.Header.Get(header) == "" || !slices.Contains(exposed, header) {
		t.Errorf("%s: %s has no %s that a page can read: %v", path, status, header, got.Header)
	}
}

// condition makes the API answer with a status, and returns what restores it.
func (s *system) condition(t *testing.T, status string) (restore func()) {
	t.Helper()
	switch status {
	case "429":
		const rate, burst = "/*/*/throttling/rateLimit", "/*/*/throttling/burstLimit"
		s.patchStage(t, "op=replace,path="+rate+",value=0", "op=replace,path="+burst+",value=0")
		return func() { s.patchStage(t, "op=replace,path="+rate+",value=200", "op=replace,path="+burst+",value=500") }
	case "500":
		s.patchStage(t, "op=remove,path=/variables/url")
		return func() { s.patchStage(t, "op=replace,path=/variables/url,value="+s.env["API_URL"]) }
	case "503":
		s.disturb(t, fault{Service: "dynamodb", Action: "Query", Mode: "error", Status: http.StatusBadRequest})
		return func() { s.undisturb(t) }
	}
	return func() {}
}

// patchStage changes settings of the API's stage.
func (s *system) patchStage(t *testing.T, operations ...string) {
	t.Helper()
	args := append([]string{"apigateway", "update-stage", "--rest-api-id", s.parameter(t, "api", "api-id"), "--stage-name", "live", "--patch-operations"}, operations...)
	if out, err := s.run(t, "aws", args...); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
