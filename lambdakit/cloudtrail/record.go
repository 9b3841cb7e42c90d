// Package cloudtrail reads CloudTrail's records of Amazon Cognito as EventBridge delivers
// them. There are two shapes: a call of the API has its parameters at the top and its
// verdict in errorCode; a request to the hosted pages has both in additionalEventData.
// Cognito replaces what it considers private with a text, so an object may be a string,
// and any field may be missing. Nothing here assumes a type: see [Record].
//
// AWS documents nine records of hosted pages, and no record of an API call
// (https://docs.aws.amazon.com/cognito/latest/developerguide/understanding-amazon-cognito-entries.html).
package cloudtrail

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Source is the service whose records this package reads.
const Source = "cognito-idp.amazonaws.com"

// The kinds of records.
const (
	kindCall = "AwsApiCall"
	kindPage = "AwsServiceEvent"
)

// Errors of messages that are not records of Cognito. They quote nothing.
var (
	ErrNotARecord = errors.New("cloudtrail: not a record of Cognito")
	ErrNoID       = errors.New("cloudtrail: the record has no eventID")
	ErrNoTime     = errors.New("cloudtrail: the record has no eventTime")
)

// Record is one record. Its texts come from outside: the user agent is the caller's own,
// and error messages may contain what a trigger of another team says about a person.
type Record struct {
	// ID is CloudTrail's eventID. An addendum that corrects a record has the id of that
	// record, so that both are one event
	// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html).
	ID string
	// Name is the eventName, such as InitiateAuth or Token_POST; upper and lower case differ.
	Name string
	// Page reports a request to the hosted pages; otherwise it is a call of the API.
	Page bool
	// Time is when the request was answered, in whole seconds.
	Time time.Time
	// Region and Account are where the pool is.
	Region, Account string
	// SourceIP and UserAgent are personal data: they belong in the audit table only.
	SourceIP, UserAgent string
	// ErrorCode is empty for a success. ErrorMessage may contain personal data.
	ErrorCode, ErrorMessage string
	// OddError reports an errorCode that is not a text. Nobody has seen one, so that it is
	// neither a success nor a known error.
	OddError bool

	identity, request, response, additional object
}

// document is the part of a record that is read.
type document struct {
	AdditionalEventData object
	Addendum            object
	AwsRegion           string
	ErrorCode           json.RawMessage
	ErrorMessage        text
	EventID             string
	EventName           string
	EventSource         string
	EventTime           time.Time
	EventType           string
	RecipientAccountID  text `json:"recipientAccountId"`
	RequestParameters   object
	ResponseElements    object
	SourceIPAddress     text
	UserAgent           text
	UserIdentity        object
}

// Parse reads an event of EventBridge whose detail is a record, or a record alone, as in a
// trail's files. An error quotes nothing of the record.
func Parse(body []byte) (Record, error) {
	var envelope struct{ Detail json.RawMessage }
	if err := json.Unmarshal(body, &envelope); err != nil {
		return Record{}, fmt.Errorf("%w: JSON of %d bytes", ErrNotARecord, len(body))
	}
	if len(envelope.Detail) > 0 {
		body = envelope.Detail
	}
	var d document
	if err := json.Unmarshal(body, &d); err != nil {
		return Record{}, fmt.Errorf("%w: JSON of %d bytes", ErrNotARecord, len(body))
	}
	switch {
	case d.EventSource != Source || d.EventName == "" || d.EventType != kindCall && d.EventType != kindPage:
		return Record{}, ErrNotARecord
	case d.EventID == "":
		return Record{}, ErrNoID
	case d.EventTime.IsZero():
		return Record{}, ErrNoTime
	}
	r := Record{
		ID: d.EventID, Name: d.EventName, Page: d.EventType == kindPage, Time: d.EventTime.UTC(),
		Region: d.AwsRegion, Account: string(d.RecipientAccountID),
		SourceIP: string(d.SourceIPAddress), UserAgent: string(d.UserAgent),
		ErrorMessage: string(d.ErrorMessage),
		identity:     d.UserIdentity, request: d.RequestParameters, response: d.ResponseElements, additional: d.AdditionalEventData,
	}
	if len(d.ErrorCode) > 0 {
		// null leaves it empty
		r.OddError = json.Unmarshal(d.ErrorCode, &r.ErrorCode) != nil
	}
	if original := d.Addendum.text("originalEventID"); original != "" {
		r.ID = original
	}
	return r, nil
}

// text is a string; a value of another type is empty.
type text string

// UnmarshalJSON accepts every value.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		*t = text(s)
	}
	return nil
}

// object is a JSON object; a value of another type has no fields.
type object map[string]json.RawMessage

// UnmarshalJSON accepts every value.
func (o *object) UnmarshalJSON(raw []byte) error {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) == nil {
		*o = m
	}
	return nil
}

// at is the object at a path; one without fields if there is none.
func (o object) at(path ...string) object {
	for _, name := range path {
		var next object
		if raw, ok := o[name]; ok {
			_ = next.UnmarshalJSON(raw) // it accepts every value
		}
		o = next
	}
	return o
}

// hidden are the texts that stand for private values: AWS's pages spell it in two ways.
func hidden(s string) bool {
	return s == "HIDDEN_DUE_TO_SECURITY_REASONS" || s == "HIDDEN_FOR_SECURITY_REASONS"
}

// text is a string, or what a list of strings has, as the hosted pages have them. It is
// empty if the value is hidden or of another type, and if the list has different strings:
// their order is the caller's choice.
func (o object) text(name string) string {
	all := slices.Compact(o.texts(name))
	if len(all) != 1 || hidden(all[0]) {
		return ""
	}
	return all[0]
}

// texts are the strings of a value, which is one or a list of them.
func (o object) texts(name string) []string {
	var one string
	if json.Unmarshal(o[name], &one) == nil {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(o[name], &many) != nil {
		return nil
	}
	return many
}

// first is the first of some texts that is not empty.
func first(all ...string) string {
	for _, s := range all {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return ""
}
