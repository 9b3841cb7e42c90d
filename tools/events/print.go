package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/tools/internal/terminal"
)

// printEvent prints an event's own fields. The data of a type that Gatehouse does not
// know, or in another shape than the type says, is not printed: anything can be in it.
func printEvent(out io.Writer, ev event.Event) error {
	fields := map[string]any{"id": plain(ev.ID()), "type": plain(ev.Type()), "source": plain(ev.Source())}
	for name, value := range map[string]string{"dataschema": ev.DataSchema(), "subject": ev.Subject()} {
		if value != "" {
			fields[name] = plain(value)
		}
	}
	if !ev.Time().IsZero() {
		fields["time"] = ev.Time().UTC().Format(time.RFC3339Nano)
	}
	for _, name := range []string{contracts.ClientIDExtension, contracts.SyntheticExtension, contracts.TraceParentExtension} {
		if value, ok := ev.Extensions()[name]; ok {
			fields[name] = plain(fmt.Sprint(value))
		}
	}
	if data, ok := knownData(ev); ok {
		fields["data"] = data
	} else {
		fields["data"] = fmt.Sprintf("%d bytes that are not of this type", len(ev.Data()))
	}
	return printJSON(out, fields)
}

// printRecord prints the names, the times and the ids in a record. Its parameters, the
// caller's address and user agent and its error message can be personal data.
func printRecord(out io.Writer, r cloudtrail.Record) error {
	fields := map[string]any{"eventID": plain(r.ID), "eventName": plain(r.Name), "eventTime": r.Time.Format(time.RFC3339), "by": r.Actor().Kind}
	for name, value := range map[string]string{
		"awsRegion": r.Region, "clientId": r.ClientID(), "errorCode": r.ErrorCode, "sub": r.Sub(), "userPoolId": r.PoolID(),
	} {
		if value != "" {
			fields[name] = plain(value)
		}
	}
	if status := r.Status(); status != 0 {
		fields["status"] = status
	}
	if r.OddError {
		fields["errorCode"] = "(not shown: it is not a text)"
	}
	return printJSON(out, fields)
}

func printJSON(out io.Writer, fields map[string]any) error {
	enc := json.NewEncoder(terminal.JSON(out))
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(fields); err != nil {
		return fmt.Errorf("json.Encode: %w", err)
	}
	return nil
}

// plain is a value that consists of the characters of ids, ARNs and addresses of the web.
func plain(s string) string {
	if !consume.IsName(strings.ReplaceAll(s, "/", "")) {
		return "(not shown: it has other characters than an id)"
	}
	return s
}

// knownData is the data of an event, if it has the fields of its type and no others, and
// none of them has an email address.
func knownData(ev event.Event) (json.RawMessage, bool) {
	into := dataOf(ev.Type())
	if into == nil {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(ev.Data()))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return nil, false
	}
	read, err := json.Marshal(into)
	if err != nil || bytes.ContainsRune(read, '@') {
		return nil, false
	}
	return read, true
}

// dataOf is what the data of a type is read into; nil for a type that is not known.
func dataOf(eventType string) any {
	switch eventType {
	case contracts.TypeSignupAllowed:
		return &contracts.SignupAllowed{}
	case contracts.TypeSignupRejected:
		return &contracts.SignupRejected{}
	case contracts.TypeUserCreated:
		return &contracts.UserCreated{}
	case contracts.TypePasswordReset:
		return &contracts.PasswordReset{}
	case contracts.TypeSigninAttempted:
		return &contracts.SigninAttempted{}
	case contracts.TypeSigninSucceeded:
		return &contracts.SigninSucceeded{}
	case contracts.TypeSigninFailed:
		return &contracts.SigninFailed{}
	case contracts.TypeChallengeSent:
		return &contracts.ChallengeSent{}
	case contracts.TypeChallengePassed:
		return &contracts.ChallengePassed{}
	case contracts.TypeChallengeFailed:
		return &contracts.ChallengeFailed{}
	case contracts.TypeUserDeleted, contracts.TypeUserDisabled, contracts.TypeUserEnabled, contracts.TypeSignedOut:
		return &contracts.AccountChanged{}
	case contracts.TypeAttributesChanged:
		return &contracts.AttributesChanged{}
	case contracts.TypePasswordChanged:
		return &contracts.PasswordChanged{}
	case contracts.TypeMFAChanged:
		return &contracts.MFAChanged{}
	case contracts.TypeGroupAdded, contracts.TypeGroupRemoved:
		return &contracts.GroupChanged{}
	case contracts.TypePoolChanged:
		return &contracts.PoolChanged{}
	case contracts.TypeTokenIssued:
		return &contracts.TokenIssued{}
	case contracts.TypeTokenRefused:
		return &contracts.TokenRefused{}
	case contracts.TypeSecurityFinding:
		return &contracts.SecurityFinding{}
	case contracts.TypeAppEvent:
		return &contracts.AppEvent{}
	}
	return nil
}
