package trace

import (
	"encoding/json"
	"errors"
	"fmt"
)

// document is what is read of a segment or subsegment
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html).
type document struct {
	ID         string  `json:"id"`
	ParentID   string  `json:"parent_id"`
	Type       string  `json:"type"`
	Name       string  `json:"name"`
	Origin     string  `json:"origin"`
	Start      float64 `json:"start_time"`
	End        float64 `json:"end_time"`
	InProgress bool    `json:"in_progress"`
	Inferred   bool    `json:"inferred"`
	Fault      bool    `json:"fault"`
	Error      bool    `json:"error"`
	Throttle   bool    `json:"throttle"`
	HTTP       struct {
		Request struct {
			Method string `json:"method"`
			URL    string `json:"url"`
		} `json:"request"`
		Response struct {
			Status int `json:"status"`
		} `json:"response"`
	} `json:"http"`
	AWS         map[string]any            `json:"aws"`
	Annotations map[string]any            `json:"annotations"`
	Metadata    map[string]map[string]any `json:"metadata"`
	Cause       json.RawMessage           `json:"cause"`
	Subsegments []document                `json:"subsegments"`
}

// parse takes what it can read: a field of an unexpected kind costs that field.
func parse(text string) (document, error) {
	var d document
	err := json.Unmarshal([]byte(text), &d)
	var kind *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &kind) {
		return document{}, fmt.Errorf("a segment of the trace cannot be read: %w", err)
	}
	return d, nil
}

// status is how the part ended.
func (d document) status() string {
	switch {
	case d.InProgress:
		return "in progress"
	case d.Fault:
		return "fault"
	case d.Throttle:
		return "throttled"
	case d.Error:
		return "error"
	}
	return "ok"
}

// exceptions are those that the part itself recorded. A cause may also be the id
// of another part's exception, which is shown there.
func (d document) exceptions() []string {
	var cause struct {
		Exceptions []struct{ Type, Message string }
	}
	if json.Unmarshal(d.Cause, &cause) != nil {
		return nil
	}
	var texts []string
	for _, e := range cause.Exceptions {
		switch {
		case e.Type == "":
			texts = append(texts, e.Message)
		case e.Message == "":
			texts = append(texts, e.Type)
		default:
			texts = append(texts, e.Type+": "+e.Message)
		}
	}
	return texts
}

// did is what was called: a request, or an operation of the SDK and its target.
func (d document) did() string {
	operation, _ := d.AWS["operation"].(string)
	if q := d.HTTP.Request; operation == "" && q.Method != "" && q.URL != "" {
		return q.Method + " " + q.URL
	}
	for _, name := range []string{"table_name", "queue_url", "topic_arn", "function_name", "key_id"} {
		if on, _ := d.AWS[name].(string); on != "" && operation != "" {
			return operation + " " + on
		}
	}
	return operation
}

// madeBy is who made a segment, if AWS did not.
func (d document) madeBy() string {
	who, _ := d.Metadata["gatehouse"]["made_by"].(string)
	return who
}
