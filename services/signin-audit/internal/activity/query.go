package activity

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"gatehouse.example/services/signin-audit/internal/recorder"
)

// The default and the maximum of limit.
const (
	defaultLimit = 20
	maxLimit     = 100
)

// maxCursor bounds a cursor before it is decoded. The id of an event has about 256
// characters at most; the table's sort keys have 1,024 bytes.
const maxCursor = 1400

var typeNames = regexp.MustCompile(`^[a-z0-9.]{1,128}$`)

// Query is a request for a person's rows.
type Query struct {
	Limit int
	// Type is a type of events, with or without prefix and version; empty for all.
	Type string
	// From and To are the first stamp that is included and the first one that is
	// not; empty for no bound.
	From, To string
	// After is the sort key of the last row of the page before.
	After string
}

// refusal is what the caller reads about an invalid request. It never quotes a value.
type refusal string

func (r refusal) Error() string { return string(r) }

// bad names a parameter and the values that it accepts.
func bad(name, takes string) error { return refusal("The parameter " + name + " takes " + takes + ".") }

func parse(r events.APIGatewayProxyRequest) (Query, error) {
	q := Query{Limit: defaultLimit}
	values, err := single(r)
	if err != nil {
		return Query{}, err
	}
	for name, value := range values {
		switch name {
		case "limit":
			q.Limit, err = strconv.Atoi(value)
			if err != nil || q.Limit < 1 || q.Limit > maxLimit {
				return Query{}, bad(name, fmt.Sprintf("a number from 1 to %d", maxLimit))
			}
		case "type":
			if !typeNames.MatchString(value) {
				return Query{}, bad(name, "a type of events, such as user.signin.succeeded")
			}
			q.Type = value
		case "from":
			q.From, err = stamp(name, value)
		case "to":
			q.To, err = stamp(name, value)
		case "cursor":
			q.After, err = decodeCursor(value)
		default:
			return Query{}, refusal("The parameters are limit, type, from, to and cursor.")
		}
		if err != nil {
			return Query{}, err
		}
	}
	return q, q.check()
}

// single reads the parameters, each of which may be given once.
func single(r events.APIGatewayProxyRequest) (map[string]string, error) {
	for _, values := range r.MultiValueQueryStringParameters {
		if len(values) != 1 {
			return nil, refusal("Each parameter is given once.")
		}
	}
	return r.QueryStringParameters, nil
}

// check compares the parameters with each other.
func (q Query) check() error {
	if q.From != "" && q.To != "" && q.From >= q.To {
		return bad("to", "a time after that of from")
	}
	if q.After != "" && (q.After < q.From || q.To != "" && q.After >= q.To) {
		return bad("cursor", "what the page before gave, with the same from and to")
	}
	return nil
}

// stamp reads a time, or a day, which begins at midnight UTC.
func stamp(name, value string) (string, error) {
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		at, err = time.Parse(time.DateOnly, value)
	}
	// With a time zone, the year can have more or fewer than four digits.
	if err != nil || at.UTC().Year() < 1 || at.UTC().Year() > 9999 {
		return "", bad(name, "a time such as 2026-11-22T17:00:00Z, or a day such as 2026-11-22")
	}
	return recorder.Stamp(at), nil
}

// encodeCursor encodes the sort key of the last row of a page, so that no client
// depends on its form. It contains nothing that the page does not show.
func encodeCursor(sk string) string { return base64.RawURLEncoding.EncodeToString([]byte(sk)) }

// decodeCursor accepts what encodeCursor returned, and nothing else. A forged cursor
// gains nothing: it never selects the person whose rows are read.
func decodeCursor(cursor string) (string, error) {
	refusal := bad("cursor", "what the page before gave as next")
	if len(cursor) > maxCursor {
		return "", refusal
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return "", refusal
	}
	at, id, found := strings.Cut(string(raw), "#")
	moment, err := time.Parse(recorder.TimeLayout, at)
	if err != nil || !found || id == "" || recorder.SortKey(recorder.Stamp(moment), id) != string(raw) {
		return "", refusal
	}
	return string(raw), nil
}
