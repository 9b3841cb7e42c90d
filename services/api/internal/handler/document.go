package handler

import (
	"bytes"
	_ "embed" // for the document below
	"encoding/json"
	"errors"
	"fmt"
)

// document describes the API: https://spec.openapis.org/oas/v3.1.0.
//
//go:embed openapi.json
var document []byte

// placeholder is in the document where the API's address belongs.
const placeholder = `"https://api.example.com"`

// DocumentAt is the document of the API at this address.
func DocumentAt(url string) ([]byte, error) {
	quoted, err := json.Marshal(url)
	if err != nil {
		return nil, fmt.Errorf("json.Marshal: %w", err)
	}
	if bytes.Count(document, []byte(placeholder)) != 1 {
		return nil, errors.New("handler: the OpenAPI document has no place for the address")
	}
	return bytes.Replace(document, []byte(placeholder), quoted, 1), nil
}
