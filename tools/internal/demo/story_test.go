package demo

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

// system is a Gatehouse in memory: what people do comes out at once, apart
// from the event type, metric or audit row that is lost.
type system struct {
	actors.UserPool // panics if a call is not below

	t     *testing.T
	lost  string
	inbox actors.Inbox
	table fakeTable
	sums  map[string]float64
	drawn int
}

func (s *system) comesOut(typ, metric string, make func(contracts.Act) (event.Event, error), sub string) {
	s.drawn++
	ev := must(s.t)(make(anAct(fmt.Sprintf("%08d-x", s.drawn), sub)))
	if s.lost != typ {
		s.inbox.Keep(actors.Arrival{Event: ev})
	}
	if s.lost != metric {
		s.sums[metric]++
	}
	if s.lost != "row of "+typ {
		s.table.rows[actors.Partition(ev)] = append(s.table.rows[actors.Partition(ev)], ev.ID())
	}
}

func (s *system) SignUp(_ context.Context, in *cognito.SignUpInput, _ ...func(*cognito.Options)) (*cognito.SignUpOutput, error) {
	_, domain, _ := strings.Cut(aws.ToString(in.Username), "@")
	if domain == "mailinator.com" && s.lost != "refusal" {
		s.comesOut(contracts.TypeSignupRejected, "SignUpsRejected", func(a contracts.Act) (event.Event, error) {
			return contracts.NewSignupRejected(a, contracts.SignupRejected{Via: "signup", Domain: domain, Reason: "r", Rule: "r", ListVersion: "2026-11-09"})
		}, "")
		return nil, &types.UserLambdaValidationException{Message: aws.String("PreSignUp failed with error No.")}
	}
	s.comesOut(contracts.TypeSignupAllowed, "SignUpsAllowed", func(a contracts.Act) (event.Event, error) {
		return contracts.NewSignupAllowed(a, contracts.SignupAllowed{Via: "signup", Domain: domain, ListVersion: "2026-11-09"})
	}, "")
	return &cognito.SignUpOutput{UserSub: aws.String("sub-1")}, nil
}

func (s *system) ConfirmSignUp(context.Context, *cognito.ConfirmSignUpInput, ...func(*cognito.Options)) (*cognito.ConfirmSignUpOutput, error) {
	s.comesOut(contracts.TypeUserCreated, "UsersCreated", func(a contracts.Act) (event.Event, error) {
		return contracts.NewUserCreated(a, contracts.UserCreated{Via: "signup"})
	}, "sub-1")
	return &cognito.ConfirmSignUpOutput{}, nil
}

func (s *system) InitiateAuth(_ context.Context, in *cognito.InitiateAuthInput, _ ...func(*cognito.Options)) (*cognito.InitiateAuthOutput, error) {
	s.comesOut(contracts.TypeSigninAttempted, "SignInsAttempted", func(a contracts.Act) (event.Event, error) {
		return contracts.NewSigninAttempted(a, contracts.SigninAttempted{})
	}, "sub-1")
	if in.AuthParameters["PASSWORD"] != right {
		s.comesOut(contracts.TypeSigninFailed, "SignInsFailed", func(a contracts.Act) (event.Event, error) {
			return contracts.NewSigninFailed(a, contracts.SigninFailed{Reason: contracts.FailedPassword, Via: contracts.ViaAPI})
		}, "sub-1")
		return nil, &types.NotAuthorizedException{Message: aws.String("Incorrect username or password.")}
	}
	s.comesOut(contracts.TypeSigninSucceeded, "SignInsSucceeded", func(a contracts.Act) (event.Event, error) {
		return contracts.NewSigninSucceeded(a, contracts.SigninSucceeded{})
	}, "sub-1")
	return &cognito.InitiateAuthOutput{AuthenticationResult: &types.AuthenticationResultType{ExpiresIn: 900, IdToken: aws.String("id")}}, nil
}

func (s *system) AdminDeleteUser(context.Context, *cognito.AdminDeleteUserInput, ...func(*cognito.Options)) (*cognito.AdminDeleteUserOutput, error) {
	s.comesOut(contracts.TypeUserDeleted, "UsersDeleted", func(a contracts.Act) (event.Event, error) {
		return contracts.NewUserDeleted(a, contracts.AccountChanged{By: contracts.By{Kind: contracts.ByRoot}})
	}, "sub-1")
	return &cognito.AdminDeleteUserOutput{}, nil
}

func (s *system) GetMetricStatistics(_ context.Context, in *cloudwatch.GetMetricStatisticsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error) {
	sum := s.sums[aws.ToString(in.MetricName)]
	return &cloudwatch.GetMetricStatisticsOutput{Datapoints: []cwtypes.Datapoint{{Sum: &sum}}}, nil
}

func (s *system) story(out *bytes.Buffer, limit time.Duration) *story {
	return &story{
		out: newPrinter(out), inbox: &s.inbox,
		metrics: actors.NewMeter(s, "local", time.Now()), trail: &actors.Trail{Table: &s.table, Name: "t"},
		cast: s.serve(), limit: limit,
	}
}

func newSystem(t *testing.T, lost string) *system {
	return &system{t: t, lost: lost, table: fakeTable{rows: map[string][]string{}}, sums: map[string]float64{}}
}

func TestStory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := newSystem(t, "").story(&out, soon)
	if err := s.play(t.Context(), acts()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range s.results {
		got = append(got, r.act+" "+r.event.Type()+" "+r.metric)
	}
	want := []string{
		"refused gatehouse.user.signup.rejected.v1 SignUpsRejected",
		"sign-up gatehouse.user.signup.allowed.v1 SignUpsAllowed",
		"confirm gatehouse.user.created.v1 UsersCreated",
		"mistype gatehouse.user.signin.attempted.v1 SignInsAttempted",
		"mistype gatehouse.user.signin.failed.v1 SignInsFailed",
		"sign-in gatehouse.user.signin.attempted.v1 SignInsAttempted",
		"sign-in gatehouse.user.signin.succeeded.v1 SignInsSucceeded",
		"guest gatehouse.app.event.v1 AppEvents",
		"deletion gatehouse.user.deleted.v1 UsersDeleted",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the story was\n%s", strings.Join(got, "\n"))
	}
	for _, text := range []string{"PreSignUp failed with error No.", "123456", "Incorrect username or password.", "SignInsAttempted 1 -> 2", "Summary",
		"200  GET /client   a machine, with its access token", "the topic itself answers: AuthorizationError", "10:00  gatehouse.user.created.v1",
		"trace 1-5759e988-bd862e3fe1be46a994272793", "└ DynamoDB"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("the output does not have %q", text)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("escape sequences without a terminal")
	}
}

func TestStoryNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for lost, want := range map[string]string{
		"refusal":                               "act 1, refused: erika",
		contracts.TypeUserCreated:               "act 3, confirm: event gatehouse.user.created.v1 did not come",
		contracts.TypeSigninSucceeded:           "act 5, sign-in: event gatehouse.user.signin.succeeded.v1 did not come",
		"guard of the API":                      "act 6, api: GET /user as a guest, on a route for users answered 200 and not 401",
		"guard of the topic":                    "act 7, guest: a guest's credentials may publish",
		"activity":                              "act 8, activity: GET /activity has none of her events",
		"trace":                                 "act 8, activity: no trace",
		"SignUpsRejected":                       "act 1, refused: metric SignUpsRejected did not come",
		contracts.TypeSigninFailed:              "act 4, mistype: event gatehouse.user.signin.failed.v1 did not come",
		contracts.TypeUserDeleted:               "act 9, deletion: event gatehouse.user.deleted.v1 did not come",
		"SignInsAttempted":                      "act 4, mistype: metric SignInsAttempted did not come",
		"row of " + contracts.TypeSignupAllowed: "act sign-up: the audit row of gatehouse.user.signup.allowed.v1 did not come",
	} {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := newSystem(t, lost).story(&out, time.Millisecond).play(t.Context(), acts())
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}
