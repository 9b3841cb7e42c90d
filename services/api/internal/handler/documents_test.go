package handler

import (
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"go.yaml.in/yaml/v3"

	"gatehouse.example/contracts"
)

// fetched is the answer to GET of a resource with a path parameter and headers.
func fetched(t *testing.T, method, resource, name string, variables map[string]string, headers ...string) events.APIGatewayProxyResponse {
	t.Helper()
	r := events.APIGatewayProxyRequest{
		Resource: resource, HTTPMethod: method, Headers: map[string]string{}, StageVariables: variables,
		PathParameters: map[string]string{"name": name},
	}
	for i := 0; i < len(headers); i += 2 {
		r.Headers[headers[i]] = headers[i+1]
	}
	answer, err := newHandler().Handle(traced(t), r)
	if err != nil {
		t.Fatalf("Handle: %v", err)
	}
	return answer
}

// deployed are the variables of a stage.
func deployed() map[string]string {
	return map[string]string{"url": "https://api.example.com", "signInUrl": "https://signin.example.com"}
}

// documents are what is the same for everybody: resources and names.
func documents() map[string][2]string {
	return map[string][2]string{
		"catalogue": {"/catalogue", ""}, "schemas": {"/schemas", ""}, "schema": {"/schemas/{name}", contracts.TypeUserCreated + ".json"},
	}
}

// The address of each schema is found by what its events have in dataschema, and the
// schema there has that name.
func TestSchemas(t *testing.T) {
	t.Parallel()
	check := described(t)
	a := fetched(t, http.MethodGet, "/schemas", "", deployed())
	check(t, http.MethodGet, "/schemas", a)
	var index Schemas
	if err := json.Unmarshal([]byte(a.Body), &index); err != nil || index.Catalogue != "https://api.example.com/catalogue" {
		t.Fatalf("%s: %v", a.Body, err)
	}
	var types []string
	for _, s := range index.Schemas {
		types = append(types, s.Type)
		one := fetched(t, http.MethodGet, "/schemas/{name}", path.Base(s.DataSchema), deployed())
		check(t, http.MethodGet, "/schemas/"+path.Base(s.URL), one)
		var schema struct {
			ID         string `json:"$id"`
			Properties struct{ Data map[string]any }
		}
		if err := json.Unmarshal([]byte(one.Body), &schema); err != nil || schema.ID != s.DataSchema {
			t.Errorf("%s: $id %s, %v", s.Type, schema.ID, err)
		}
		if _, closed := schema.Properties.Data["additionalProperties"]; closed && s.Type != contracts.TypeAppEvent {
			t.Errorf("%s: the strict schema", s.Type)
		}
		if path.Base(s.URL) != path.Base(s.DataSchema) || !strings.HasPrefix(s.URL, "https://api.example.com/schemas/") {
			t.Errorf("%s is at %s", s.DataSchema, s.URL)
		}
	}
	if !slices.Equal(types, contracts.Types()) {
		t.Errorf("types %q, want %q", types, contracts.Types())
	}
}

func TestUnknownSchemas(t *testing.T) {
	t.Parallel()
	check := described(t)
	for _, name := range []string{
		"", ".json", "gatehouse.user.created.v1", "gatehouse.user.created.v2.json", "gatehouse.user.created.v1.json.json", "../schemas.go",
		"open/gatehouse.user.created.v1.json", "GATEHOUSE.user.created.v1.json", "gatehouse.user.created.v1.yaml",
	} {
		a := fetched(t, http.MethodGet, "/schemas/{name}", name, deployed())
		if a.StatusCode != http.StatusNotFound || a.Headers["Cache-Control"] != "no-store" {
			t.Errorf("%s: %d %v", name, a.StatusCode, a.Headers)
		}
		isProblem(t, a)
		check(t, http.MethodGet, "/schemas/x.json", a)
	}
}

// The catalogue's references lead to schemas that are served.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	a := fetched(t, http.MethodGet, "/catalogue", "", deployed())
	described(t)(t, http.MethodGet, "/catalogue", a)
	var doc struct {
		AsyncAPI   string
		Components struct {
			Messages map[string]struct {
				Payload struct {
					Schema map[string]string
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(a.Body), &doc); err != nil || !strings.HasPrefix(doc.AsyncAPI, "3.") {
		t.Fatalf("AsyncAPI %s: %v", doc.AsyncAPI, err)
	}
	if len(doc.Components.Messages) != len(contracts.Types()) {
		t.Errorf("%d messages, want %d", len(doc.Components.Messages), len(contracts.Types()))
	}
	for name, message := range doc.Components.Messages {
		ref := message.Payload.Schema["$ref"]
		file, ok := strings.CutPrefix(ref, "schemas/")
		if got := fetched(t, http.MethodGet, "/schemas/{name}", file, deployed()).StatusCode; !ok || got != http.StatusOK {
			t.Errorf("%s: %s leads to %d", name, ref, got)
		}
	}
}

// Who has a document already gets no copy of it.
func TestNotModified(t *testing.T) {
	t.Parallel()
	check := described(t)
	for name, doc := range documents() {
		full := fetched(t, http.MethodGet, doc[0], doc[1], deployed())
		tag := full.Headers["ETag"]
		if full.StatusCode != http.StatusOK || len(tag) != 34 || full.Headers["Cache-Control"] != "public, max-age=3600" {
			t.Errorf("%s: %d %v", name, full.StatusCode, full.Headers)
		}
		for sent, fresh := range map[string]bool{
			tag: true, "W/" + tag: true, `"other", ` + tag: true, `"other",W/` + tag: true, "*": true,
			"": false, `"other"`: false, strings.Trim(tag, `"`): false, tag[:len(tag)-2] + `"`: false,
		} {
			a := fetched(t, http.MethodGet, doc[0], doc[1], deployed(), "if-none-match", sent)
			want := http.StatusOK
			if fresh {
				want = http.StatusNotModified
			}
			if a.StatusCode != want || (a.Body == "") != fresh || a.Headers["ETag"] != tag || a.Headers["Cache-Control"] != full.Headers["Cache-Control"] {
				t.Errorf("%s, If-None-Match %s: %d %v", name, sent, a.StatusCode, a.Headers)
			}
			check(t, http.MethodGet, strings.Replace(doc[0], "{name}", doc[1], 1), a)
		}
		if head := fetched(t, http.MethodHead, doc[0], doc[1], deployed()); head.Body != "" || head.Headers["ETag"] != tag {
			t.Errorf("%s: HEAD %v", name, head)
		}
	}
}

// A stage that was deployed without its variables is a failure, not a document with
// holes.
func TestMissingVariables(t *testing.T) {
	t.Parallel()
	check := described(t)
	for missing, resources := range map[string][]string{"url": {"/openapi.json", "/schemas"}, "signInUrl": {"/openapi.json"}} {
		variables := deployed()
		delete(variables, missing)
		for _, resource := range resources {
			a := fetched(t, http.MethodGet, resource, "", variables)
			if a.StatusCode != http.StatusInternalServerError {
				t.Errorf("%s without %s: %d %s", resource, missing, a.StatusCode, a.Body)
			}
			isProblem(t, a)
			check(t, http.MethodGet, resource, a)
		}
	}
}

// provoked are the statuses with which the handler answers, by resource.
func provoked(t *testing.T) map[string]map[int]bool {
	t.Helper()
	out := map[string]map[int]bool{}
	saw := func(resource string, a events.APIGatewayProxyResponse) {
		if out[resource] == nil {
			out[resource] = map[int]bool{}
		}
		out[resource][a.StatusCode] = true
	}
	for resource := range newHandler().routes() {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			saw(resource, ask(t, method, resource, nil))
			saw(resource, ask(t, method, resource, idToken()))
			saw(resource, ask(t, method, resource, machineToken()))
		}
		saw(resource, fetched(t, http.MethodGet, resource, contracts.TypeUserCreated+".json", deployed()))
		saw(resource, fetched(t, http.MethodGet, resource, contracts.TypeUserCreated+".json", deployed(), "If-None-Match", "*"))
		saw(resource, fetched(t, http.MethodGet, resource, "nothing.json", deployed()))
		saw(resource, fetched(t, http.MethodGet, resource, "", nil))
	}
	return out
}

// TestStatuses: something answers with each status that the document has. What the
// handler does not answer, the gateway does: errors.yaml has its responses, and no test
// can provoke them outside of AWS. The e2e tests provoke those of /activity.
func TestStatuses(t *testing.T) {
	t.Parallel()
	var doc struct {
		Paths map[string]struct {
			Get struct{ Responses map[string]any }
		}
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	gateway := map[string]bool{}
	for _, r := range resources(t, "errors.yaml") {
		gateway[text(r.Node, "Properties", "StatusCode")] = true
	}
	handler := provoked(t)
	for resource, item := range doc.Paths {
		for status := range item.Get.Responses {
			n, _ := strconv.Atoi(status)
			if status != "default" && !elsewhere(resource) && !handler[resource][n] && !gateway[status] {
				t.Errorf("%s: nothing answers %s", resource, status)
			}
		}
		for status := range handler[resource] {
			if _, ok := item.Get.Responses[strconv.Itoa(status)]; !ok {
				t.Errorf("%s answers %d, which the document does not have", resource, status)
			}
		}
	}
}
