package signinrecords

import (
	"errors"
	"fmt"
	"strings"

	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
)

// Explain says in one line what a record becomes, as if it were of the environment's
// pool. Of the record the line has only the name and the error code.
func Explain(body []byte) string {
	r, err := cloudtrail.Parse(body)
	if err != nil {
		return kept(NotARecord)
	}
	what := word(r.Name)
	if r.Page {
		what += fmt.Sprintf(" (page, status %d)", r.Status())
	}
	if r.ErrorCode != "" {
		what += " with " + word(r.ErrorCode)
	}
	verdict, err := Judge(r)
	switch {
	case err != nil:
		return what + ": " + kept(err)
	case verdict.Failed == nil:
		return fmt.Sprintf("%s: ignored, %s (%s)", what, verdict.Ignored, verdict.Source)
	}
	says := []string{"failed", verdict.Failed.Reason}
	if verdict.Failed.Challenge != "" {
		says = append(says, "at", verdict.Failed.Challenge)
	}
	who := "no user"
	if r.Sub() != "" {
		who = "a user"
	}
	return fmt.Sprintf("%s: %s, via %s, %s (%s)", what, strings.Join(says, " "), verdict.Failed.Via, who, verdict.Source)
}

func kept(err error) string {
	var why consume.Poison
	errors.As(err, &why)
	return "kept in the dead-letter queue, " + string(why)
}

// word is a name of the record, if it has the form of AWS's names.
func word(name string) string {
	if !consume.IsName(name) {
		return "unusual"
	}
	return name
}
