package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

// TestEveryActCausesItsEvents plays the whole story: some dozens of acts of people,
// administrators and machines. It compares every event about them, with its data, and its
// row, with what the acts should cause, and nothing else may come. Then each own line of the
// dashboards has data.
func TestEveryActCausesItsEvents(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	before := s.sums(t)
	g := s.newStage(t)
	var want []caused
	for _, acts := range [][]act{clientActs(), signInActs(), mfaActs(), ownActs(), adminActs(), lastActs()} {
		for _, a := range acts {
			if ok := t.Run(strings.ReplaceAll(a.name, " ", "_"), func(t *testing.T) { a.does(t, g) }); !ok {
				t.FailNow() // what follows builds on it
			}
			want = append(want, a.want...)
		}
	}
	ours := func(ev event.Event) bool { return g.whose(ev) != "" }
	progress(t, func() (string, bool) {
		missing, _ := g.compare(want, inbox.find(t, ours))
		return fmt.Sprintf("%d events, without %s", len(want), strings.Join(missing, ", ")), len(missing) == 0
	})
	inbox.wait(t, 1, func(ev event.Event) bool {
		return ev.Type() == contracts.TypeTokenRefused && canonical(string(ev.Data())) == "reason=invalid-request"
	})
	checkSchemas(t, inbox)
	rows := s.sameRows(t, inbox.find(t, ours))
	for _, row := range rows {
		if failed := row.Type == contracts.TypeSigninFailed; failed != (row.IP != "") || failed != (row.UserAgent != "") {
			t.Errorf("row of %s has the address %q and the user agent %q", row.Type, row.IP, row.UserAgent)
		}
	}
	rises := map[string]float64{}
	for _, c := range want {
		if metric := metrics()[c.typ]; metric != "" {
			rises[metric]++
		}
	}
	for metric, n := range rises {
		eventually(t, metric, func() bool { return s.sums(t)[metric] >= before[metric]+n })
	}
	all := inbox.find(t, ours)
	for _, a := range all {
		for _, text := range []string{g.people["ada"].local, "127.0.0.1", "Go-http-client", "aws-sdk-go"} {
			if strings.Contains(a.Body, text) {
				t.Errorf("an event of type %s contains %q", a.Event.Type(), text)
			}
		}
	}
	s.nothingInLogs(t, g.people["ada"].local, g.people["cleo"].local, g.people["dora"].local, g.secret)
	if _, extra := g.compare(want, all); len(extra) > 0 {
		t.Errorf("events that no act should cause:\n%s", strings.Join(extra, "\n"))
	}
	s.everyWidgetHasData(t)
}

// metrics are those that count the events of the story, by type.
func metrics() map[string]string {
	return map[string]string{
		contracts.TypeSignupAllowed: "SignUpsAllowed", contracts.TypeSignupRejected: "SignUpsRejected", contracts.TypeUserCreated: "UsersCreated",
		contracts.TypeSigninFailed: "SignInsFailed", contracts.TypeUserDeleted: "UsersDeleted", contracts.TypePoolChanged: "PoolChanges", contracts.TypeTokenIssued: "ClientTokensIssued",
		contracts.TypeSigninAttempted: "SignInsAttempted", contracts.TypeSigninSucceeded: "SignInsSucceeded", contracts.TypePasswordReset: "PasswordsReset",
	}
}

// supportRole is a role of administrators that this test makes.
const supportRole = "story-support"

// newStage has people without accounts, and no client yet.
func (s *system) newStage(t *testing.T) *stage {
	t.Helper()
	g := &stage{s: s, cognito: s.clients(t).cognito, people: map[string]*person{}}
	for _, name := range []string{"ada", "cleo", "dora", "mallory"} {
		g.people[name] = s.newPerson(t)
	}
	mallory := g.people["mallory"]
	mallory.domain = mallory.local[len("erika."):] + ".mailinator.com"
	mallory.Email = mallory.local + "@" + mallory.domain

	cfg := s.env.Config()
	roles := iam.NewFromConfig(cfg)
	// What an earlier, broken run may have left.
	_, _ = roles.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: aws.String(supportRole), PolicyName: aws.String("disable")})
	_, _ = roles.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String(supportRole)})
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	role := must(roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String(supportRole), Path: aws.String("/people/"), AssumeRolePolicyDocument: &trust}))(t).Role
	cleanly(t, func(ctx context.Context) error {
		_, err := roles.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role.RoleName})
		return err
	})
	may := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cognito-idp:AdminDisableUser","Resource":"*"}]}`
	must(roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: role.RoleName, PolicyName: aws.String("disable"), PolicyDocument: &may}))(t)
	cleanly(t, func(ctx context.Context) error {
		_, err := roles.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: role.RoleName, PolicyName: aws.String("disable")})
		return err
	})
	key := must(sts.NewFromConfig(cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: role.Arn, RoleSessionName: aws.String("desk-7")}))(t).Credentials
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKeyId, *key.SecretAccessKey, *key.SessionToken)
	g.support = cognito.NewFromConfig(cfg, actors.OnceOnly)
	return g
}

// whose is who an event is about: a person by the sub or the domain, or a client of the
// stage. It is empty if the event belongs to another test.
func (g *stage) whose(ev event.Event) string {
	for name, p := range g.people {
		if p.Sub != "" && ev.Subject() == p.Sub || ev.Subject() == "" && strings.HasSuffix(actors.DomainOf(ev), p.domain) && actors.DomainOf(ev) != "" {
			return name
		}
	}
	switch client, _ := ev.Extensions()[contracts.ClientIDExtension].(string); {
	case client == "":
	case g.app != nil && client == *g.app:
		return "app"
	case g.machine != nil && client == *g.machine:
		return "machine"
	}
	return ""
}

// found waits for the finding that a person has a disposable address.
func (g *stage) found(t *testing.T, name string) {
	t.Helper()
	trail := &actors.Trail{Table: g.s.clients(t).dynamodb, Name: g.s.env["AUDIT_TABLE"]}
	eventually(t, "the finding about "+name, func() bool {
		rows := must(trail.Of(t.Context(), g.people[name].Sub))(t)
		return slices.ContainsFunc(rows, func(r actors.Row) bool {
			return r.Type == contracts.TypeSecurityFinding && strings.Contains(r.Data, `"rule":"`+contracts.RuleAddressDisposable+`"`) && strings.Contains(r.Data, `"domain":"mailinator.com"`)
		})
	})
}

// repeated are the types of triggers, which Cognito may call more than once for one act, and
// that of a finding, which each change of a disposable address announces with one id.
var repeated = []string{
	contracts.TypeSecurityFinding,
	contracts.TypeSignupAllowed, contracts.TypeSignupRejected, contracts.TypeSigninAttempted, contracts.TypeSigninSucceeded, contracts.TypePasswordReset,
}

// compare returns which of the events that were caused are missing, and which came that
// were not.
func (g *stage) compare(want []caused, all []actors.Arrival) (missing, extra []string) {
	loose := map[string]bool{} // types whose data is not compared
	left := map[string]int{}
	for _, c := range want {
		loose[c.typ] = c.data == ""
		left[strings.TrimSpace(c.who+" "+c.typ+" "+canonical(c.data))]++
	}
	known := maps.Clone(left)
	for _, a := range all {
		line := g.whose(a.Event) + " " + a.Event.Type()
		if !loose[a.Event.Type()] {
			line = strings.TrimSpace(line + " " + canonical(string(a.Event.Data())))
		}
		left[line]--
		if again := known[line] > 0 && slices.Contains(repeated, a.Event.Type()); left[line] < 0 && !again {
			extra = append(extra, line)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(left)) {
		if n := left[line]; n > 0 {
			missing = append(missing, line)
		}
	}
	return missing, extra
}

// canonical is JSON with sorted names.
func canonical(text string) string {
	var v map[string]any
	if text == "" || json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(v)) {
		out = append(out, fmt.Sprint(name, "=", v[name]))
	}
	return strings.Join(out, " ")
}

// sameRows waits until each event has one row, and compares it.
func (s *system) sameRows(t *testing.T, all []actors.Arrival) []actors.Row {
	t.Helper()
	trail := &actors.Trail{Table: s.clients(t).dynamodb, Name: s.env["AUDIT_TABLE"]}
	var out []actors.Row
	for _, a := range all {
		var rows []actors.Row
		eventually(t, "the row of "+a.Event.Type(), func() bool {
			rows = must(trail.Find(t.Context(), a.Event))(t)
			return len(rows) > 0
		})
		row := rows[0]
		same := canonical(row.Data) == canonical(string(a.Event.Data())) || row.Type == contracts.TypeSecurityFinding // of the first copy
		if len(rows) != 1 || row.Type != a.Event.Type() || row.Sub != a.Event.Subject() || !same {
			t.Errorf("%d rows of an event %s %s: %+v", len(rows), a.Event.Type(), a.Event.Data(), row)
		}
		out = append(out, row)
	}
	return out
}
