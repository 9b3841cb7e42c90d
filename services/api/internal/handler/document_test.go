package handler

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// openAPISchema describes OpenAPI 3.1 (https://spec.openapis.org/oas/3.1/schema/2022-10-07,
// Apache License 2.0). The schemas of OpenAPI 3.1 are JSON Schema 2020-12, so that a library
// for JSON Schema is enough. One for OpenAPI takes minutes to compile.
//
//go:embed testdata/oas31-schema.json
var openAPISchema []byte

// here is the address of the document under test.
const here = "https://api.example.com/openapi.json"

// problems are what is wrong with a document: it is not OpenAPI 3.1, or a reference of it
// leads nowhere.
func problems(t *testing.T, raw string) (found []string) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		return []string{err.Error()}
	}
	if err := schema(t, openAPISchema, "https://spec.openapis.org/oas/3.1", "").Validate(doc); err != nil {
		found = append(found, err.Error())
	}
	return append(found, dangling(doc, doc)...)
}

// schema compiles a part of a document.
func schema(t *testing.T, raw []byte, url, pointer string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("jsonschema.UnmarshalJSON: %v", err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(url, doc); err != nil {
		t.Fatalf("AddResource: %v", err)
	}
	compiled, err := c.Compile(url + "#" + pointer)
	if err != nil {
		t.Fatalf("Compile %s: %v", pointer, err)
	}
	return compiled
}

// dangling are the references in part that lead nowhere in doc.
func dangling(doc, part any) (found []string) {
	switch v := part.(type) {
	case []any:
		for _, item := range v {
			found = append(found, dangling(doc, item)...)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok && resolved(doc, v) == nil {
			found = append(found, ref+" leads nowhere")
		}
		for _, item := range v {
			found = append(found, dangling(doc, item)...)
		}
	}
	return found
}

// resolved is an object, or the one that it refers to; nil if there is none.
func resolved(doc, object any) map[string]any {
	m, _ := object.(map[string]any)
	ref, ok := m["$ref"].(string)
	if !ok {
		return m
	}
	at := doc
	for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		next, _ := at.(map[string]any)
		at = next[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	m, _ = at.(map[string]any)
	return m
}

// described checks an answer against the OpenAPI document: its status, headers, media type
// and body.
func described(t *testing.T) func(t *testing.T, method, path string, a events.APIGatewayProxyResponse) {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatalf("json.Unmarshal: %v", err)
	}
	return func(t *testing.T, method, path string, a events.APIGatewayProxyResponse) {
		t.Helper()
		response := resolved(doc, within(operation(doc, method, path), "responses", strconv.Itoa(a.StatusCode)))
		if response == nil {
			t.Errorf("%s %s: the document has no response %d", method, path, a.StatusCode)
			return
		}
		headers, _ := response["headers"].(map[string]any)
		for name, header := range headers {
			if resolved(doc, header)["required"] == true && a.Headers[name] == "" {
				t.Errorf("%s %s: %d without the header %s", method, path, a.StatusCode, name)
			}
		}
		if err := bodyAs(t, doc, response, a); err != nil {
			t.Errorf("%s %s: %d is not as described: %v", method, path, a.StatusCode, err)
		}
	}
}

// operation is that of a path, whose parameters have values.
func operation(doc map[string]any, method, path string) any {
	for template, item := range within(doc, "paths").(map[string]any) {
		pattern := regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(template), "[^/]+") + "$")
		if path == template || pattern.MatchString(path) {
			return within(item, strings.ToLower(method))
		}
	}
	return nil
}

// parameter is one of a path, quoted.
var parameter = regexp.MustCompile(`\\\{\w+\\\}`)

// within is the value at a path in nested objects, or nil.
func within(value any, path ...string) any {
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

// bodyAs returns how a body differs from what a response describes.
func bodyAs(t *testing.T, doc, response map[string]any, a events.APIGatewayProxyResponse) error {
	t.Helper()
	if response["content"] == nil {
		if a.Body != "" {
			return errors.New("a body")
		}
		return nil
	}
	kind := a.Headers["Content-Type"]
	media := within(response, "content", kind)
	if media == nil {
		return fmt.Errorf("the media type %q", kind)
	}
	if !strings.HasSuffix(kind, "json") {
		return nil
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(a.Body))
	if err != nil {
		return err
	}
	raw, err := json.Marshal(map[string]any{"components": doc["components"], "body": within(media, "schema")})
	if err != nil {
		t.Fatalf("json.Marshal: %v", err)
	}
	return schema(t, raw, here, "/body").Validate(body)
}

// The check of answers would notice.
func TestDescribedPlanted(t *testing.T) {
	t.Parallel()
	ok := ask(t, http.MethodGet, "/user", idToken())
	for name, change := range map[string]func(*events.APIGatewayProxyResponse){
		"status":  func(a *events.APIGatewayProxyResponse) { a.StatusCode = http.StatusTeapot },
		"type":    func(a *events.APIGatewayProxyResponse) { a.Headers["Content-Type"] = "text/html" },
		"body":    func(a *events.APIGatewayProxyResponse) { a.Body = `{"claims":[1]}` },
		"no_json": func(a *events.APIGatewayProxyResponse) { a.Body = "{" },
	} {
		a := ask(t, http.MethodGet, "/user", idToken())
		change(&a)
		if fake := new(testing.T); !fails(fake, func() { described(t)(fake, http.MethodGet, "/user", a) }) {
			t.Errorf("%s is not noticed", name)
		}
	}
	described(t)(t, http.MethodGet, "/user", ok)
}

// fails reports whether a check fails its test.
func fails(fake *testing.T, check func()) bool {
	check()
	return fake.Failed()
}

func TestDocument(t *testing.T) {
	t.Parallel()
	if found := problems(t, string(document)); len(found) > 0 {
		t.Error(strings.Join(found, "\n"))
	}
	if !strings.Contains(string(document), `"openapi": "3.1.0"`) {
		t.Error("not OpenAPI 3.1")
	}
}

// The validator would notice.
func TestDocumentPlanted(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"no_version":      {`"openapi": "3.1.0"`, `"open": "3.1.0"`},
		"wrong_type":      {`"tags": [`, `"tags": 1, "tag": [`},
		"dangling":        {`"#/components/schemas/Guest"`, `"#/components/schemas/Nobody"`},
		"no_responses":    {`"responses": {`, `"answers": {`},
		"unknown_keyword": {`"bearerFormat"`, `"barerFormat"`},
	} {
		broken := strings.Replace(string(document), change[0], change[1], 1)
		if broken == string(document) {
			t.Errorf("%s changes nothing", name)
		}
		if len(problems(t, broken)) == 0 {
			t.Errorf("%s is not noticed", name)
		}
	}
}

// The document names the address in the stage's variable.
func TestDocumentNamesTheAddress(t *testing.T) {
	t.Parallel()
	raw, err := documentAt("https://x.example/live", "https://pool.example")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	if !strings.Contains(text, `"url": "https://x.example/live"`) || strings.Contains(text, "api.example.com") {
		t.Error("the document does not name the API's address")
	}
	// The user pool's domain issues tokens, not the API.
	if !strings.Contains(text, `"tokenUrl": "https://pool.example/oauth2/token"`) || strings.Contains(text, "signin.example.com") {
		t.Error("the document does not name the address that issues tokens")
	}
	if strings.Contains(string(document), "pool.example") {
		t.Error("the document of the next request is changed")
	}
}
