package accountrecords_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/services/user-events/internal/accountrecords"
	"gatehouse.example/services/user-events/internal/queuetest"
)

// token is a request for a machine's token with what changes.
func token(change fields) string { return page("Token_POST", change) }

// Records of which no event is made, by the metric that counts them or the reason why
// they are kept.
func TestRecordsWithoutAnEvent(t *testing.T) {
	t.Parallel()
	const other = "additionalEventData.userPoolId"
	for name, tc := range map[string]struct{ body, metric, kept string }{
		"another_pool":            {call("AdminDeleteUser", fields{"requestParameters.userPoolId": "eu-central-1_Other"}), cloudtrail.MetricForeign, ""},
		"pool_in_another_account": {call("AdminDeleteUser", fields{"recipientAccountId": "999988887777"}), cloudtrail.MetricForeign, ""},
		"user_in_another_account": {call("DeleteUser", fields{"recipientAccountId": "999988887777"}), cloudtrail.MetricForeign, ""},
		"tags_of_another_pool":    {call("TagResource", fields{"requestParameters.resourceArn": queuetest.Pool + "2"}), cloudtrail.MetricForeign, ""},
		"token_of_another_pool":   {token(fields{other: "eu-central-1_Other"}), cloudtrail.MetricForeign, ""},
		"unknown_of_another_pool": {call("AdminMagic", fields{"requestParameters.userPoolId": "eu-central-1_Other"}), cloudtrail.MetricForeign, ""},
		"failed":                  {call("AdminDeleteUser", fields{"errorCode": "UserNotFoundException", "errorMessage": person}), accountrecords.RecordsIgnored, ""},
		"failed_pool_change":      {call("UpdateUserPool", fields{"errorCode": "AccessDenied", "requestParameters": nil}), accountrecords.RecordsIgnored, ""},
		"wrong_code_of_an_app":    {call("VerifySoftwareToken", fields{"responseElements.status": "ERROR"}), accountrecords.RecordsIgnored, ""},
		"invitation_sent_again":   {call("AdminCreateUser", fields{"requestParameters.messageAction": "RESEND"}), accountrecords.RecordsIgnored, ""},
		"token_of_a_person":       {token(fields{"additionalEventData.requestParameters.grant_type": []string{"refresh_token"}}), accountrecords.RecordsIgnored, ""},
		"read":                    {call("ListUsers", nil), accountrecords.RecordsIgnored, ""},
		"read_of_another_name":    {call("AdminGetUser", nil), accountrecords.RecordsIgnored, ""},
		"new_read":                {call("DescribeMagic", nil), accountrecords.RecordsIgnored, ""},
		"somebody_elses_user":     {call("ChangePassword", fields{"additionalEventData.sub": "another-sub"}), accountrecords.RecordsUnattributed, ""},
		"nobody":                  {call("GlobalSignOut", fields{"additionalEventData": nil}), accountrecords.RecordsUnattributed, ""},
		"hidden_sub":              {call("DeleteUser", fields{"additionalEventData.sub": hidden}), accountrecords.RecordsUnattributed, ""},
		"filter_as_sub":           {call("DeleteUser", fields{"additionalEventData.sub": `x" or sub ^= "`}), accountrecords.RecordsUnattributed, ""},
		"address_as_sub":          {call("AdminDeleteUser", fields{"additionalEventData.sub": "erika@example.org"}), cloudtrail.MetricUnknown, "without_a_sub"},
		"sub_is_a_text_elsewhere": {call("AdminDisableUser", fields{"additionalEventData": hidden}), cloudtrail.MetricUnknown, "without_a_sub"},
		"parameters_are_a_text":   {call("AdminDeleteUser", fields{"requestParameters": hidden}), cloudtrail.MetricUnknown, "without_a_pool"},
		"pool_without_a_name":     {call("UpdateUserPool", fields{"requestParameters": hidden}), cloudtrail.MetricUnknown, "without_a_pool"},
		"new_operation":           {call("AdminMagic", nil), cloudtrail.MetricUnknown, "unknown_operation"},
		"new_operation_of_a_user": {call("Magic", nil), cloudtrail.MetricUnknown, "unknown_operation"},
		"new_page":                {page("magic_POST", nil), cloudtrail.MetricUnknown, "unknown_operation"},
		"new_page_that_gets":      {page("GetMagic", nil), cloudtrail.MetricUnknown, "unknown_operation"},
		"call_with_a_pages_name":  {call("Token_POST", nil), cloudtrail.MetricUnknown, "unknown_operation"},
		"new_call_of_a_client":    {call("Magic", fields{"requestParameters.clientId": "another"}), cloudtrail.MetricUnknown, "unknown_operation"},
		"token_without_a_status":  {token(fields{"additionalEventData.responseParameters": nil}), cloudtrail.MetricUnknown, "without_a_status"},
		"token_without_a_client":  {token(fields{"additionalEventData.requestParameters.client_id": nil}), cloudtrail.MetricUnknown, "without_a_client"},
		"token_of_two_clients":    {token(fields{"additionalEventData.requestParameters.client_id": []string{client, "x"}}), cloudtrail.MetricUnknown, "without_a_client"},
		"not_json":                {person, cloudtrail.MetricUnknown, "not_a_record"},
		"another_service":         {call("DeleteUser", fields{"eventSource": "logs.amazonaws.com"}), cloudtrail.MetricUnknown, "not_a_record"},
		"address_as_id":           {call("DeleteUser", fields{"eventID": "erika@example.org"}), cloudtrail.MetricUnknown, "not_a_record"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			out := f.handle(t, tc.body)
			if len(out.BatchItemFailures) > 0 || f.only(t) != nil || f.count(t, tc.metric) != 1 || strings.Join(f.Reasons(), " ") != tc.kept {
				t.Errorf("%v, event %v, %s = %v, kept because of %v; want %q", out, f.only(t), tc.metric, f.count(t, tc.metric), f.Reasons(), tc.kept)
			}
			if len(f.remembered)+len(f.forgot) > 0 {
				t.Errorf("remembered %v, forgot %v", f.remembered, f.forgot)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	const status, clientID = "additionalEventData.responseParameters.status", "additionalEventData.requestParameters.client_id"
	const grant = "additionalEventData.requestParameters.grant_type"
	for name, tc := range map[string]struct {
		change               fields
		typ, client, refused string
	}{
		"issued":                   {fields{}, contracts.TypeTokenIssued, client, ""},
		"issued_with_a_header":     {fields{clientID: nil, "additionalEventData.clientId": client}, contracts.TypeTokenIssued, client, ""},
		"issued_as_another":        {fields{clientID: []string{"x"}, "additionalEventData.clientId": client}, contracts.TypeTokenIssued, client, ""},
		"issued_for_two_grants":    {fields{grant: []string{"refresh_token", "client_credentials"}}, contracts.TypeTokenIssued, client, ""},
		"refused_to_two_clients":   {fields{status: 401, clientID: []string{client, "x"}}, contracts.TypeTokenRefused, "", "invalid-client"},
		"issued_to_another":        {fields{clientID: []string{"added"}}, contracts.TypeTokenIssued, "added", ""},
		"empty_error":              {fields{"errorCode": "", "errorMessage": ""}, contracts.TypeTokenIssued, client, ""},
		"bad_request":              {fields{status: 400}, contracts.TypeTokenRefused, client, "invalid-request"},
		"wrong_secret":             {fields{status: 401}, contracts.TypeTokenRefused, client, "invalid-client"},
		"throttled":                {fields{status: 429}, contracts.TypeTokenRefused, client, "throttled"},
		"fault":                    {fields{status: 503.0}, contracts.TypeTokenRefused, client, "server-error"},
		"redirect":                 {fields{status: 302}, contracts.TypeTokenRefused, client, "unspecified"},
		"with_a_code":              {fields{status: 400, "errorCode": "invalid_scope"}, contracts.TypeTokenRefused, client, "invalid-scope"},
		"with_another_code":        {fields{status: nil, "errorCode": "Erika", "errorMessage": person}, contracts.TypeTokenRefused, client, "unspecified"},
		"with_a_name_as_client":    {fields{status: 401, clientID: []string{person}}, contracts.TypeTokenRefused, "", "invalid-client"},
		"without_any_client":       {fields{status: 401, clientID: nil}, contracts.TypeTokenRefused, "", "invalid-client"},
		"success_with_an_error":    {fields{"errorCode": "invalid_client"}, contracts.TypeTokenRefused, client, "invalid-client"},
		"pool_known_by_its_client": {fields{"additionalEventData.userPoolId": nil}, contracts.TypeTokenIssued, client, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			f.handle(t, token(tc.change))
			ev := f.only(t)
			if ev == nil {
				t.Fatalf("no event: %v", f.Reasons())
			}
			got, _ := dataOf(t, ev)["reason"].(string)
			if ev.Type() != tc.typ || contracts.ClientID(*ev) != tc.client || got != tc.refused {
				t.Errorf("%s of %q, %q", ev.Type(), contracts.ClientID(*ev), got)
			}
		})
	}
}

// The app client of a change is in the event, and the name of a group if it is one.
func TestNamesInEvents(t *testing.T) {
	t.Parallel()
	named := fields{"requestParameters.userPoolId": poolID()}
	f := newFixture()
	f.handle(t,
		call("UpdateUserPoolClient", fields{"requestParameters.userPoolId": poolID(), "requestParameters.clientId": client}),
		call("CreateUserPoolClient", fields{"requestParameters.userPoolId": poolID(), "responseElements.userPoolClient": fields{"clientId": "new", "clientName": person}}),
		call("UpdateUserPool", named),
		call("AdminAddUserToGroup", fields{"requestParameters.groupName": "Friends of Erika"}),
		call("TagResource", fields{"requestParameters.resourceArn": queuetest.Pool}),
	)
	var clients []string
	for _, ev := range f.sent {
		clients = append(clients, contracts.ClientID(ev))
	}
	if diff := cmp.Diff([]string{client, "new", "", "", ""}, clients); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}
	if group, ok := dataOf(t, f.sent[3])["group"]; ok {
		t.Errorf("group %v", group)
	}
}

// Users are found in the ledger, else in the pool, and remembered; a deleted one is
// forgotten after the event is published.
func TestUsers(t *testing.T) {
	t.Parallel()
	key := poolID() + "#" + sub
	for name, tc := range map[string]struct {
		known, other, synthetic bool
		body                    string
		events                  int
		remembered, forgot      []string
	}{
		"known":               {known: true, body: call("ChangePassword", nil), events: 1},
		"synthetic":           {known: true, synthetic: true, body: call("DeleteUser", nil), events: 1, forgot: []string{key}},
		"named_pool":          {body: call("AdminDisableUser", nil), events: 1, remembered: []string{key}},
		"created":             {body: call("AdminCreateUser", nil), events: 1, remembered: []string{key}},
		"in_the_pool":         {other: true, body: call("ChangePassword", nil), events: 1},
		"deleted_and_unknown": {other: true, body: call("DeleteUser", nil)},
		"deleted_by_an_admin": {body: call("AdminDeleteUser", nil), events: 1, forgot: []string{key}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			f.users = map[string]bool{}
			if tc.known {
				f.users[sub] = tc.synthetic
			}
			f.others[sub] = tc.other
			f.handle(t, tc.body)
			if len(f.sent) != tc.events || cmp.Diff(tc.remembered, f.remembered) != "" || cmp.Diff(tc.forgot, f.forgot) != "" {
				t.Errorf("%d events, remembered %v, forgot %v", len(f.sent), f.remembered, f.forgot)
			}
			for _, ev := range f.sent {
				if contracts.IsSynthetic(ev) != tc.synthetic {
					t.Errorf("synthetic %v, want %v", contracts.IsSynthetic(ev), tc.synthetic)
				}
			}
		})
	}
}

// A record that could not be handled comes again, and its event has the same id.
func TestFailuresAreDeliveredAgain(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"platform", "find", "remember", "forget", "dead", "topic"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			delete(f.users, sub)
			body := map[string]string{"remember": call("AdminDisableUser", nil), "dead": person}[what]
			if body == "" {
				body = call("AdminDeleteUser", nil)
			}
			if f.fail[what] = errNo; what == "topic" {
				f.outcome = publish.Logged
			}
			if got := queuetest.Failed(f.handle(t, body)); len(got) != 1 || f.count(t, cloudtrail.MetricUnknown) != 0 {
				t.Fatalf("failed %v, unknown %v", got, f.count(t, cloudtrail.MetricUnknown))
			}
			first := f.sent
			f.fail, f.outcome, f.sent = map[string]error{}, publish.Published, nil
			if got := queuetest.Failed(f.handle(t, body)); len(got) != 0 {
				t.Fatalf("failed %v again", got)
			}
			if len(first) > 0 && first[0].ID() != f.only(t).ID() {
				t.Errorf("ids %s and %s", first[0].ID(), f.only(t).ID())
			}
		})
	}
}

// Copies of a record, and what corrects it, are one event.
func TestCopiesHaveOneID(t *testing.T) {
	t.Parallel()
	f := newFixture()
	f.outcome = publish.FellBack
	f.handle(t, call("ChangePassword", nil), call("ChangePassword", nil), call("ChangePassword", fields{
		"eventID": "another-id", "addendum": fields{"reason": "UPDATED_DATA", "originalEventID": "0e0f6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"},
	}), call("AdminCreateUser", nil), call("AdminCreateUser", fields{"eventID": "another-id"}))
	ids := map[string]int{}
	for _, ev := range f.sent {
		ids[contracts.ClaimKey(ev)]++
	}
	if len(f.sent) != 5 || len(ids) != 2 {
		t.Errorf("%d events of %v", len(f.sent), ids)
	}
}

func TestBatchesThatCannotComeFromSQS(t *testing.T) {
	t.Parallel()
	f := newFixture()
	if _, err := f.consumer().Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{Body: "x"}}}); err == nil {
		t.Error("no error")
	}
	if out, err := f.consumer().Handle(t.Context(), events.SQSEvent{}); err != nil || out.BatchItemFailures == nil {
		t.Errorf("%v, %v", out, err)
	}
}

// FuzzRecord: whatever a record has, an event is one of its schema, with nothing of a
// person that the record hides elsewhere.
func FuzzRecord(f *testing.F) {
	for _, row := range accountrecords.Rows() {
		f.Add(row.Operation, row.Page, sub, client, "auditors", "invalid_client", 401)
	}
	f.Add("AdminAddUserToGroup", false, "\xff", "a b", "Erika M", "", 0)
	f.Add("Token_POST", true, `"`, "\x00", "\n", "x", 1000)
	f.Fuzz(func(t *testing.T, operation string, isPage bool, sub, client, group, code string, status int) {
		change := fields{
			"additionalEventData.sub": sub, "requestParameters.groupName": group, "requestParameters.clientId": client, "errorCode": code,
			"additionalEventData.requestParameters.client_id": []string{client}, "additionalEventData.responseParameters.status": status,
		}
		if strings.Contains(strings.ToLower(operation+sub+client+group+code), person) {
			return
		}
		body := call(operation, change)
		if isPage {
			body = page(operation, change)
		}
		w := newFixture()
		w.users[sub] = true
		if out := w.handle(t, body, body); len(out.BatchItemFailures) > 0 {
			t.Errorf("%v\n%s", out, &w.logs)
		}
	})
}
