package upstream

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// APIError is an error answer of an AWS API.
type APIError struct {
	Status  int
	Code    string
	Message string
}

// Error names code and status.
func (e *APIError) Error() string { return fmt.Sprintf("%s (status %d)", e.Code, e.Status) }

// IsAPI reports whether err is an API error with this code.
func IsAPI(err error, code string) bool {
	var api *APIError
	return errors.As(err, &api) && api.Code == code
}

// Err reads the error shape that AWS's JSON and REST services share.
func (a *Answer) Err() *APIError {
	var shape struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	_ = json.Unmarshal(a.Body, &shape) // the status remains of an unreadable body
	code, _, _ := strings.Cut(cmp.Or(shape.Type, a.Header.Get("X-Amzn-Errortype")), ":")
	code = code[strings.LastIndexByte(code, '#')+1:]
	return &APIError{Status: a.Status, Code: code, Message: cmp.Or(shape.Message, shape.Upper)}
}

// Write answers in the shape of AWS's JSON services.
func (e *APIError) Write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": e.Code, "message": e.Message})
}

// CognitoError is an error as a client of Cognito gets it. The texts were seen on
// AWS; README.md names where.
type CognitoError struct {
	Type    string
	Message string
}

// Refuse makes an error of this type for a client of Cognito.
func Refuse(code, message string) *CognitoError { return &CognitoError{code, message} }

// Error names type and message.
func (e *CognitoError) Error() string { return e.Type + ": " + e.Message }

// IsCognito reports whether err is Cognito's error of this type.
func IsCognito(err error, code string) bool {
	var failure *CognitoError
	return errors.As(err, &failure) && failure.Type == code
}

// write answers with an error in Cognito's shape. On AWS the type header ends in a
// colon and the text is repeated in a header
// (https://github.com/amazon-archives/amazon-cognito-identity-js/issues/167).
func (e *CognitoError) write(w http.ResponseWriter, from http.Header) {
	header := w.Header()
	maps.Copy(header, from) // CORS and request id, as the emulator sets them
	header.Del("Content-Length")
	header.Set("Content-Type", "application/x-amz-json-1.1")
	header.Set("X-Amzn-Errortype", e.Type+":")
	header.Set("X-Amzn-Errormessage", headerText(e.Message))
	w.WriteHeader(http.StatusBadRequest)
	body, _ := json.Marshal(map[string]string{"__type": e.Type, "message": e.Message}) // strings always encode
	_, _ = w.Write(body)
}

// headerText keeps a message within one header line.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)
}
