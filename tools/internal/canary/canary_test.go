package canary

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

func newCloud(t *testing.T) *cloud {
	return &cloud{
		t: t, users: map[string]string{}, subs: map[string]string{}, subscriptions: map[string]string{}, since: map[string]time.Time{},
		waiting: map[string][]string{}, lost: map[string]bool{}, unrecorded: map[string]bool{}, status: map[string]int{},
		secrets: []string{secret, idToken, "machine-token"}, counted: 40,
	}
}

// walked is one run against a cloud: what it printed, its report and its error.
func walked(ctx context.Context, c *cloud) (string, *report, error) {
	var out timed
	run := newCanary(newReport(&out, "test"), 5*time.Minute, 50*time.Second)
	return walkedAs(ctx, c, run, &out)
}

// timed keeps output, and when its first line of trouble came.
type timed struct {
	bytes.Buffer
	trouble time.Duration
	since   time.Time
}

func (t *timed) Write(line []byte) (int, error) {
	if t.trouble == 0 && (bytes.HasPrefix(line, []byte("FAIL")) || bytes.HasPrefix(line, []byte("late"))) {
		t.trouble = time.Since(t.since)
	}
	return t.Buffer.Write(line)
}

// walkedAs is a run of a canary that is made already.
func walkedAs(ctx context.Context, c *cloud, run *canary, out *timed) (string, *report, error) {
	out.since = run.started
	n := names{
		environment: "test", apiURL: "https://api", hostedUIURL: "https://pages", machineClient: "machine", nativeClient: "native",
		pool: "eu-central-1_Example01", resourceServer: "gatehouse", topic: "arn:aws:sns:eu-central-1:111122223333:user-events", auditTable: "audit",
	}
	run.use(services{pool: c, queues: c, topics: c, table: c, metrics: c, http: &http.Client{Transport: c}}, n)
	ctx, cancel := context.WithTimeout(ctx, run.timeout)
	defer cancel()
	run.walk(ctx)
	return out.String(), run.report, run.report.summary()
}

// leavesNothing holds of every run, however it ends.
func leavesNothing(t *testing.T, c *cloud, output string) {
	t.Helper()
	if !c.stubbornUser && (len(c.users) > 0 || len(c.queues) > 0) || len(c.subscriptions) > 0 {
		t.Errorf("left behind: users %v, queues %v, subscriptions %v", c.users, c.queues, c.subscriptions)
	}
	for _, s := range c.secrets {
		if strings.Contains(output, s) {
			t.Errorf("a secret is printed:\n%s", output)
		}
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		output, r, err := walked(t.Context(), c)
		if err != nil || strings.Contains(output, "FAIL") {
			t.Errorf("error %v\n%s", err, output)
		}
		if len(r.steps) != 27 || c.counted != 46 {
			t.Errorf("%d steps and %v events\n%s", len(r.steps), c.counted, output)
		}
		leavesNothing(t, c, output)
	})
}

// A client whose secret was changed is not a fault of the environment.
func TestWalkAfterTheSecretWasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.otherSecret = true
		output, _, err := walked(t.Context(), c)
		if err != nil || !strings.Contains(output, "API /client as a machine") || !strings.Contains(output, "not asked: Cognito shows no secret") {
			t.Errorf("error %v\n%s", err, output)
		}
	})
}

// TestWalkNamesWhatIsMissing breaks one thing at a time.
func TestWalkNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plant  func(*cloud)
		failed string // in the summary
		says   string
	}{
		"guard_is_off":       {func(c *cloud) { c.open = true }, "1 of 6 steps failed: disposable address", "is signup-guard the pool's PreSignUp trigger?"},
		"topic_is_dead":      {func(c *cloud) { c.lost[contracts.TypeSignupRejected] = true }, "failed: event " + contracts.TypeSignupRejected, "0 of 1 arrived in the queue after 50s, and no row of it is in the audit table"},
		"no_created":         {func(c *cloud) { c.lost[contracts.TypeUserCreated] = true }, "event " + contracts.TypeUserCreated, "because the event did not arrive"},
		"no_succeeded":       {func(c *cloud) { c.lost[contracts.TypeSigninSucceeded] = true }, "event " + contracts.TypeSigninSucceeded, "0 of 1 arrived"},
		"no_attempted":       {func(c *cloud) { c.lost[contracts.TypeSigninAttempted] = true }, "event " + contracts.TypeSigninAttempted, "0 of 2 arrived"},
		"no_allowed":         {func(c *cloud) { c.lost[contracts.TypeSignupAllowed] = true }, "event " + contracts.TypeSignupAllowed, "0 of 1 arrived"},
		"recorder_is_dead":   {func(c *cloud) { c.unrecorded[contracts.TypeUserCreated] = true }, "audit " + contracts.TypeUserCreated, "0 of 1 rows are in the audit table"},
		"rows_have_no_mark":  {func(c *cloud) { c.unmarked = true }, "audit " + contracts.TypeUserCreated, "not marked synthetic"},
		"metrics_are_dead":   {func(c *cloud) { c.uncounted = true }, "1 of 27 steps failed: metric SyntheticEvents", "it is 40 and should be 46"},
		"any_password":       {func(c *cloud) { c.anyPassword = true }, "failed: wrong password", "a wrong password was accepted"},
		"api_is_down":        {func(c *cloud) { c.status["/guest"] = 503 }, "failed: API /guest", "GET /guest answered 503 and not 200; its trace is Root=1-x"},
		"user_is_open":       {func(c *cloud) { c.status["/user"] = 200 }, "failed: API /user without a token", "answered 200 and not 401"},
		"no_machine_token":   {func(c *cloud) { c.status["/oauth2/token"] = 400 }, "failed: API /client as a machine", "the token endpoint answered 400"},
		"activity_is_broken": {func(c *cloud) { c.status["/activity"] = 500 }, "failed: API /activity", "answered 500"},
		"cognito_hangs":      {func(c *cloud) { c.hangs = true }, "1 of 6 steps failed: disposable address", "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out timed
				c := newCloud(t)
				tc.plant(c)
				began := time.Now()
				run := newCanary(newReport(&out, "test"), 5*time.Minute, 50*time.Second)
				output, _, err := walkedAs(t.Context(), c, run, &out)
				took := time.Since(began)
				if out.trouble > time.Minute || took > time.Minute && name != "metrics_are_dead" || took > 5*time.Minute {
					t.Errorf("the first line of trouble came after %s, the end after %s:\n%s", out.trouble, took, output)
				}
				if err == nil || !strings.Contains(err.Error(), tc.failed) || !strings.Contains(output, tc.says) {
					t.Errorf("error %v, want %q and %q in\n%s", err, tc.failed, tc.says, output)
				}
				leavesNothing(t, c, output)
			})
		})
	}
}

// A subscription that is not in force at once must not fail the canary.
func TestWalkWaitsForItsSubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.late = 70 * time.Second
		output, _, err := walked(t.Context(), c)
		if err != nil {
			t.Errorf("error %v\n%s", err, output)
		}
		leavesNothing(t, c, output)
	})
}

func TestInterruptedWalkCleansUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		ctx, cancel := context.WithCancel(t.Context())
		c.interrupt = cancel
		output, _, err := walked(ctx, c)
		if err == nil || strings.Contains(output, "sign-in") {
			t.Errorf("it went on: %v\n%s", err, output)
		}
		leavesNothing(t, c, output)
	})
}

func TestSweepTakesWhatCrashedAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		old, young := actors.Secret(actors.NewID(time.Now().Add(-2*time.Hour))), actors.Secret(actors.NewID(time.Now().Add(-time.Minute)))
		for _, secret := range []string{old, young} {
			c.left(secret)
		}
		c.users["success+gatehouse-canary-erika@simulator.amazonses.com"] = "p"
		c.queues = append(c.queues, "https://sqs/111122223333/gatehouse-production-canary-"+old)
		c.subscriptions["arn:others"] = "arn:aws:sqs:eu-central-1:111122223333:gatehouse-test-signin-audit-recorder"
		output, _, err := walked(t.Context(), c)
		if err != nil || !strings.Contains(output, "deleted those of 1 of 1 canaries that crashed") {
			t.Errorf("error %v\n%s", err, output)
		}
		if len(c.users) != 2 || len(c.queues) != 2 || len(c.subscriptions) != 2 || c.users[actors.SyntheticAddress(old)] != "" {
			t.Errorf("users %v, queues %v, subscriptions %v", c.users, c.queues, c.subscriptions)
		}
	})
}

// left is what a run leaves that crashed.
func (c *cloud) left(secret string) {
	c.users[actors.SyntheticAddress(secret)] = "p"
	c.queues = append(c.queues, "https://sqs/111122223333/gatehouse-test-canary-"+secret)
	c.subscriptions["arn:of-"+secret] = "arn:aws:sqs:eu-central-1:111122223333:gatehouse-test-canary-" + secret
}

// A user who cannot be deleted is reported and fails nothing. The queue stays, so that a
// later run finds the user.
func TestLeftoversFailNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.stubbornUser = true
		for range 2 * sweepRuns {
			c.left(actors.Secret(actors.NewID(time.Now().Add(-2 * time.Hour))))
		}
		output, _, err := walked(t.Context(), c)
		if err != nil || !strings.Contains(output, "left for a later run: cognito.AdminDeleteUser: throttled") || c.deletions > sweepRuns+2 {
			t.Errorf("error %v, %d deletions\n%s", err, c.deletions, output)
		}
		if len(c.queues) != 2*sweepRuns+1 {
			t.Errorf("queues %v", c.queues)
		}
		c.stubbornUser = false
		time.Sleep(2 * time.Hour) //nolint:forbidigo // in a bubble: the runs become old enough to be swept
		for range 3 {
			output, _, err = walked(t.Context(), c)
		}
		if err != nil {
			t.Errorf("error %v\n%s", err, output)
		}
		leavesNothing(t, c, output)
	})
}

// Strangers sign up thousands of users with addresses like the canary's, before it and
// while it runs. It deletes and fails no more and no less than without them.
func TestStrangers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const strangers = 10_000
		c := newCloud(t)
		old := time.Now().Add(-2 * time.Hour)
		for n := range strangers {
			c.users[actors.SyntheticAddress(fmt.Sprintf("%s-%d", actors.NewID(old), n))] = "p"
			c.emit(contracts.NewSignupAllowed(c.act(""), contracts.SignupAllowed{Via: "signup", Domain: contracts.SyntheticDomain, ListVersion: "v"}))
		}
		c.counted = 40
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: the strangers came before
		crashed := actors.Secret(actors.NewID(old))
		c.left(crashed)
		c.flood = func() {
			for range strangers / 10 {
				c.emit(contracts.NewSignupAllowed(c.act(""), contracts.SignupAllowed{Via: "signup", Domain: contracts.SyntheticDomain, ListVersion: "v"}))
			}
		}
		began := time.Now()
		output, _, err := walked(t.Context(), c)
		if took := time.Since(began); err != nil || took > time.Minute {
			t.Errorf("error %v after %s\n%s", err, took, output)
		}
		if len(c.users) != strangers || len(c.queues) > 0 || c.deletions > 4 || c.read > 200 {
			t.Errorf("%d users, queues %v, %d deletions, %d rows read", len(c.users), c.queues, c.deletions, c.read)
		}
	})
}

// Each of two canaries finds its own events, and none of the other's.
func TestTwoCanaries(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"all_arrive": false, "one_is_lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t)
				var outs [2]timed
				var runs [2]*canary
				var errs [2]error
				var both sync.WaitGroup
				for i := range runs {
					runs[i] = newCanary(newReport(&outs[i], "test"), 5*time.Minute, 50*time.Second)
				}
				if lost {
					c.unseen = runs[0].secret
				}
				for i, run := range runs {
					both.Go(func() {
						time.Sleep(time.Duration(i) * 500 * time.Millisecond) //nolint:forbidigo // in a bubble: the second starts later
						_, _, errs[i] = walkedAs(t.Context(), c, run, &outs[i])
					})
				}
				both.Wait()
				if (errs[0] != nil) != lost || lost && !strings.Contains(errs[0].Error(), "event "+contracts.TypeSignupAllowed) {
					t.Errorf("the first ends with %v\n%s", errs[0], outs[0].String())
				}
				if errs[1] != nil {
					t.Errorf("the second ends with %v\n%s", errs[1], outs[1].String())
				}
				leavesNothing(t, c, outs[0].String()+outs[1].String())
			})
		})
	}
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.uncounted = true
		_, r, _ := walked(t.Context(), c)
		path := filepath.Join(t.TempDir(), "new", "canary.xml")
		if err := r.writeJUnit(path); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var got suite
		if err := xml.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		failures := 0
		for _, one := range got.Cases {
			if one.Failure != nil && one.Name == "metric SyntheticEvents" && strings.Contains(one.Failure.Message, "should be 46") {
				failures++
			}
		}
		if got.Tests != 27 || got.Failures != 1 || failures != 1 || len(got.Cases) != 27 {
			t.Errorf("%s", raw)
		}
	})
}

func TestAnswersOfTheAPI(t *testing.T) {
	t.Parallel()
	if isMe([]byte(`{"sub":"me"}`), "me") != nil || isMe([]byte(`{"sub":"you"}`), "me") == nil || isMe([]byte(`<`), "me") == nil {
		t.Error("isMe")
	}
	ids, err := activityIDs([]byte(`{"items":[{"id":"1","sub":"me"},{"id":"2","sub":"me"}]}`), "me")
	if err != nil || len(ids) != 2 || !ids["2"] {
		t.Errorf("ids %v, error %v", ids, err)
	}
	for _, bad := range []string{`{"items":[{"id":"1","sub":"you"}]}`, `{"items":[{"id":"1"}]}`, `[`} {
		if _, err := activityIDs([]byte(bad), "me"); err == nil {
			t.Errorf("%s passed", bad)
		}
	}
}

// A filter does not take effect at once, so people's events may come, too.
func TestOnlySyntheticEventsCount(t *testing.T) {
	t.Parallel()
	c := &canary{inbox: &actors.Inbox{}}
	marked := contracts.Act{PoolARN: poolARN, Subject: subOf, Time: time.Unix(1, 0), Synthetic: true}
	person := marked
	person.Synthetic = false
	for i, act := range []contracts.Act{person, marked} {
		act.ID = fmt.Sprint(i)
		ev, err := contracts.NewPasswordReset(act)
		if err != nil {
			t.Fatal(err)
		}
		c.inbox.Keep(actors.Arrival{Event: ev})
	}
	found, err := c.synthetic(func(event.Event) bool { return true })
	if err != nil || len(found) != 1 || !contracts.IsSynthetic(found[0].Event) {
		t.Errorf("found %v, error %v", found, err)
	}
}
