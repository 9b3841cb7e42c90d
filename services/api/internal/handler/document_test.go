package handler

import (
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// problems are what a validator of OpenAPI 3.1 has to say about a document.
func problems(t *testing.T, raw string) int {
	t.Helper()
	doc, err := libopenapi.NewDocument([]byte(raw))
	if err != nil {
		return 1
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		return len(errs)
	}
	ok, found := v.ValidateDocument()
	for _, e := range found {
		t.Logf("%s: %s", e.Message, e.Reason)
	}
	if ok {
		return 0
	}
	return len(found)
}

func TestDocument(t *testing.T) {
	t.Parallel()
	if n := problems(t, string(document)); n != 0 {
		t.Errorf("%d problems", n)
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
		if problems(t, broken) == 0 {
			t.Errorf("%s is not noticed", name)
		}
	}
}

// The document names the address in the stage's variable.
func TestDocumentNamesTheAddress(t *testing.T) {
	t.Parallel()
	raw, err := documentAt("https://x.example/live")
	if err != nil {
		t.Fatal(err)
	}
	if text := string(raw); !strings.Contains(text, `"url": "https://x.example/live"`) || strings.Contains(text, "api.example.com") {
		t.Error("the document does not name the API's address")
	}
}
