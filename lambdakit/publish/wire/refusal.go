package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/xml"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// refusal is an answer other than 200 as the SDK's clients return it: the status
// around an error with AWS's code, as far as the answer has one.
func refusal(service string, resp *http.Response, answer []byte) error {
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: resp},
		Err:      &smithy.GenericAPIError{Code: code(service, resp.Header, answer)},
	}
}

// code is AWS's word for what is wrong, or the SDK's where there is none. The
// message is left out: it can quote the request.
func code(service string, header http.Header, answer []byte) string {
	const unknown = "UnknownError"
	var code string
	if service == "sns" {
		parts, err := xml.GetErrorResponseComponents(bytes.NewReader(answer), false)
		if err == nil {
			code = parts.Code
		}
	} else {
		code, _, _ = restjson.GetErrorInfo(json.NewDecoder(bytes.NewReader(answer)))
		// The code by which SQS was known before it spoke JSON.
		if old, _, ok := strings.Cut(header.Get("X-Amzn-Query-Error"), ";"); ok {
			code = old
		}
	}
	if code == "" {
		return unknown
	}
	return code
}
