package handler

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // for the document below
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/catalogue"
	"gatehouse.example/contracts/schemas"
	"gatehouse.example/lambdakit/rest"
	"gatehouse.example/lambdakit/tracing"
)

// document describes the API: https://spec.openapis.org/oas/v3.1.0.
//
//go:embed openapi.json
var document []byte

// Addresses in the document that are replaced by those of the environment.
const (
	placeholder       = `"https://api.example.com"`
	signInPlaceholder = `"https://signin.example.com/oauth2/token"`
)

// documentAt is the document of the API at an address. The user pool's domain, signIn,
// issues the tokens.
func documentAt(url, signIn string) ([]byte, error) {
	if url == "" || signIn == "" {
		return nil, errors.New("handler: the stage has no variable url or signInUrl")
	}
	doc := document
	for old, address := range map[string]string{placeholder: url, signInPlaceholder: signIn + "/oauth2/token"} {
		quoted, err := json.Marshal(address)
		if err != nil {
			return nil, fmt.Errorf("json.Marshal: %w", err)
		}
		if bytes.Count(doc, []byte(old)) != 1 {
			return nil, fmt.Errorf("handler: the OpenAPI document has no place for %s", old)
		}
		doc = bytes.Replace(doc, []byte(old), quoted, 1)
	}
	return doc, nil
}

func (h *Handler) openAPI(ctx context.Context, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	doc, err := documentAt(r.StageVariables[urlVariable], r.StageVariables[signInVariable])
	if err != nil {
		return h.failed(ctx, err)
	}
	return rest.Raw(http.StatusOK, "application/json", doc)
}

// failed answers when what this function was built or deployed with is wrong.
func (h *Handler) failed(ctx context.Context, err error) events.APIGatewayProxyResponse {
	h.Log.ErrorContext(ctx, "no document", "error", err.Error(), "traceId", tracing.ID(ctx))
	return rest.Refuse(ctx, http.StatusInternalServerError, "The document is not available.")
}

// Schemas is the response to a reader who looks for the schemas of the events.
type Schemas struct {
	// Catalogue is the address of the AsyncAPI document.
	Catalogue string   `json:"catalogue"`
	Schemas   []Schema `json:"schemas"`
}

// Schema is where the schema of an event type is.
type Schema struct {
	Type string `json:"type"`
	// DataSchema is what the events contain. Nobody serves it at that address.
	DataSchema string `json:"dataschema"`
	URL        string `json:"url"`
}

func (h *Handler) schemas(ctx context.Context, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	url := r.StageVariables[urlVariable]
	if url == "" {
		return h.failed(ctx, errors.New("handler: the stage has no variable url"))
	}
	index := Schemas{Catalogue: url + "/catalogue"}
	for _, eventType := range contracts.Types() {
		index.Schemas = append(index.Schemas, Schema{
			Type: eventType, DataSchema: contracts.SchemaBase + eventType + ".json", URL: url + "/schemas/" + eventType + ".json",
		})
	}
	raw, err := json.Marshal(index)
	if err != nil {
		return h.failed(ctx, fmt.Errorf("json.Marshal: %w", err))
	}
	return public(r, "application/json", raw)
}

func (h *Handler) schema(ctx context.Context, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	eventType, isJSON := strings.CutSuffix(r.PathParameters["name"], ".json")
	if !isJSON || !slices.Contains(contracts.Types(), eventType) {
		return rest.Refuse(ctx, http.StatusNotFound, "There is no such schema. GET /schemas lists them.")
	}
	raw, err := schemas.ForReaders(eventType)
	if err != nil {
		return h.failed(ctx, fmt.Errorf("schemas.ForReaders: %w", err))
	}
	return public(r, "application/schema+json", raw)
}

func (h *Handler) catalogue(_ context.Context, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	// Relative, so that it is right at every address of the API.
	return public(r, "application/yaml", []byte(catalogue.AsyncAPI("schemas/")))
}

// maxAge is how long, in seconds, a document may be used without asking again. A version of
// a schema changes by additions only, so an hour does no harm.
const maxAge = "3600"

// public answers with a document that is the same for everybody, or with 304 to a caller
// who has it (RFC 9110, 13.1.2).
func public(r events.APIGatewayProxyRequest, mediaType string, body []byte) events.APIGatewayProxyResponse {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	answer := rest.Raw(http.StatusOK, mediaType, body)
	if matches(header(r, "If-None-Match"), tag) {
		answer = rest.Empty(http.StatusNotModified, nil)
	}
	answer.Headers["Cache-Control"], answer.Headers["ETag"] = "public, max-age="+maxAge, tag
	return answer
}

// matches reports whether a list of entity tags contains this one. The comparison is the
// weak one, for an intermediary may have made a tag weak.
func matches(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}
