package e2e

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
)

// soon is how long an event may take on a busy machine; TestEventLatency
// holds the real bound.
const soon = 20 * time.Second

func TestEveryActIsPublishedCountedAndRecorded(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	before := s.sums(t)

	refused := s.newPerson(t)
	refused.domain = strings.TrimSuffix(refused.domain, ".example.net") + ".mailinator.com"
	refused.email = refused.local + "@" + refused.domain
	_, err := refused.trySignUp(t)
	var refusal *types.UserLambdaValidationException
	if !errors.As(err, &refusal) {
		t.Fatalf("disposable address: got %v, want UserLambdaValidationException", err)
	}
	if text := refusal.ErrorMessage(); !strings.HasPrefix(text, "PreSignUp failed with error ") || !strings.HasSuffix(text, ".") {
		t.Errorf("the refusal reads %q, want AWS's form", text)
	}

	p := s.newPerson(t)
	p.signUp(t)
	p.confirm(t)
	var wrong *types.NotAuthorizedException
	if _, err := p.signIn(t, "Wrong-horse-7-battery"); !errors.As(err, &wrong) {
		t.Fatalf("wrong password: got %v, want NotAuthorizedException", err)
	}
	out := must(p.signIn(t, password))(t)
	if out.AuthenticationResult == nil || aws.ToString(out.AuthenticationResult.IdToken) == "" {
		t.Fatal("the right password gave no tokens")
	}

	t.Run("events", func(t *testing.T) {
		domain := func(typ, domain string) func(event.Event) bool {
			return func(ev event.Event) bool {
				return ev.Type() == typ && bytes.Contains(ev.Data(), []byte(domain))
			}
		}
		inbox.wait(t, soon, 1, domain(contracts.TypeSignupRejected, refused.domain))
		inbox.wait(t, soon, 1, domain(contracts.TypeSignupAllowed, p.domain))
		inbox.wait(t, soon, 1, of(contracts.TypeUserCreated, p.sub))
		inbox.wait(t, soon, 2, of(contracts.TypeSigninAttempted, p.sub))
		inbox.wait(t, soon, 1, of(contracts.TypeSigninSucceeded, p.sub))
		about, _ := inbox.find(func(ev event.Event) bool { return ev.Subject() == p.sub })
		if want := 4; len(about) < want || len(about) > want+1 {
			t.Errorf("%d events about the person, want %d (or one more where sign-up names the sub)", len(about), want)
		}
		checkSchemas(t, inbox)
	})
	t.Run("metrics", func(t *testing.T) {
		want := map[string]float64{
			"SignUpsRejected": 1, "SignUpsAllowed": 1, "UsersCreated": 1, "SignInsAttempted": 2, "SignInsSucceeded": 1,
		}
		for name, n := range want {
			eventually(t, soon, name, func() bool { return s.sums(t)[name] >= before[name]+n })
		}
		// A second way that works hides a first one that does not.
		if n := s.sums(t)["EventsFellBack"] - before["EventsFellBack"]; n > 0 {
			t.Errorf("%v events went to the outbox", n)
		}
	})
	t.Run("audit", func(t *testing.T) {
		eventually(t, soon, "four audit rows", func() bool {
			out, err := s.run(t, s.root+"/bin/gatehouse", "audit", "show", "--user", p.sub, "--json")
			return err == nil && strings.Count(out, "signin.attempted") == 2 &&
				strings.Count(out, "signin.succeeded") == 1 && strings.Count(out, "user.created") == 1
		})
	})
	t.Run("nothing_personal", func(t *testing.T) {
		all, _ := inbox.find(func(event.Event) bool { return true })
		for _, d := range all {
			if strings.Contains(d.body, p.local) || strings.Contains(d.body, refused.local) {
				t.Errorf("an event names the person: %s", d.event.Type())
			}
		}
		s.nothingInLogs(t, p.local, refused.local, "client-metadata", password)
	})
}

// sums adds up every metric of Gatehouse over the last hour.
func (s *system) sums(t *testing.T) map[string]float64 {
	t.Helper()
	c := s.clients(t)
	sums := map[string]float64{}
	for _, name := range []string{
		"SignUpsRejected", "SignUpsAllowed", "UsersCreated", "SignInsAttempted", "SignInsSucceeded", "PasswordsReset",
		"EventsFellBack", "AppEvents", "AppEventsDelayed", "AppEventsRefused", "SyntheticEvents",
	} {
		out := must(c.cloudwatch.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("Gatehouse"), MetricName: aws.String(name), Period: aws.Int32(60),
			Dimensions: []cwtypes.Dimension{{Name: aws.String("Environment"), Value: aws.String("local")}},
			StartTime:  aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)),
			Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
		}))(t)
		for _, point := range out.Datapoints {
			sums[name] += aws.ToFloat64(point.Sum)
		}
	}
	return sums
}

// checkSchemas holds every delivery against the schema that it names.
func checkSchemas(t *testing.T, in *inbox) {
	t.Helper()
	compiled := map[string]*jsonschema.Schema{}
	for _, typ := range contracts.Types() {
		raw := must(schemas.FS.ReadFile(typ + ".json"))(t)
		doc := must(jsonschema.UnmarshalJSON(bytes.NewReader(raw)))(t)
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		if err := compiler.AddResource(typ, doc); err != nil {
			t.Fatal(err)
		}
		compiled[typ] = must(compiler.Compile(typ))(t)
	}
	all, _ := in.find(func(event.Event) bool { return true })
	for _, d := range all {
		schema := compiled[d.event.Type()]
		if schema == nil {
			t.Errorf("event of unknown type %q", d.event.Type())
			continue
		}
		doc := must(jsonschema.UnmarshalJSON(strings.NewReader(d.body)))(t)
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", d.event.Type(), err)
		}
	}
}
