package pipelines

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

// enough sign-ups to show a failure.
const enough = 30

// TestReleaseAndRollback is one test, because each part needs what the part before has
// deployed.
func TestReleaseAndRollback(t *testing.T) {
	s := start(t)
	t.Run("a_change_is_released_while_people_sign_up", s.release)
	t.Run("a_broken_integration_test_stops_before_production", s.stops)
	t.Run("a_failing_canary_rolls_back", s.rollsBack)
	t.Run("a_changed_pipeline_cannot_roll_back", s.changed)
}

func (s *system) release(t *testing.T) {
	c := s.copied(t)
	c.guard(t, "release "+uuid.NewString(), "nowhere") // a new message each time, in case the system is used again
	before, was := s.state(t), s.live(t, "production")
	people := s.people(t, "production")
	output := s.succeeds(t, "signup-guard", "--approve", "--source", c.dir)
	people.end()
	if people.signedUp < enough || len(people.failed) > 0 {
		t.Errorf("%d signed up, %d failed: %v", people.signedUp, len(people.failed), people.failed)
	}
	t.Logf("%d people signed up meanwhile", people.signedUp)
	if s.live(t, "production") == was || s.live(t, "production") != s.live(t, "test") {
		t.Error("the new code is not live in production, or another one is in test")
	}
	before.onlyChanged(t, s.state(t), "-test-signup-guard", "-production-signup-guard")
	inOrder(t, output, "Source/Source ", "Build/Build ", "Test/ChangeSet ", "Test/Execute ", "Integration/Integration ",
		"asked: ", "Approval/Approve ", "Checksums/Checksums ", "Production/ChangeSet ", "Production/Execute ", "Production/Canary ", "gatehouse-signup-guard, execution")
	for _, want := range []string{
		"simulated  Production/ChangeSet: parameters for the emulator: ", "OnAws=false",
		"alias live of PreSignUpFunction would move to the new version by Canary10Percent5Minutes, watched by the alarms gatehouse-production-signup-guard-presignup",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("the timeline lacks %q", want)
		}
	}
}

// inOrder checks that the words appear in this order.
func inOrder(t *testing.T, output string, words ...string) {
	t.Helper()
	at := 0
	for _, word := range words {
		i := strings.Index(output[at:], word)
		if i < 0 {
			t.Fatalf("%q is missing or in another order", word)
		}
		at += i
	}
}

func (s *system) stops(t *testing.T) {
	c := s.copied(t)
	c.guard(t, "broken in test", "test")
	before := s.state(t)
	s.fails(t, []string{"✗ Integration/Integration", "Approval", "not reached"}, "signup-guard", "--approve", "--source", c.dir)
	before.onlyChanged(t, s.state(t), "-test-signup-guard")
}

func (s *system) rollsBack(t *testing.T) {
	c := s.copied(t)
	c.guard(t, "broken in production", "production")
	was := s.live(t, "production")
	output := s.fails(t, []string{"✗ Production/Canary", "Production failed and is rolled back to execution", "a rollback to execution"},
		"signup-guard", "--approve", "--source", c.dir)
	inOrder(t, output, "✓ Production/Execute", "✗ Production/Canary", "rolled back", "✓ Production/Execute", "✓ Production/Canary")
	if s.live(t, "production") != was {
		t.Error("the former code is not live in production")
	}
	if err := s.client(t, "production").signUp(t.Context()); err != nil {
		t.Errorf("sign-up after the rollback: %v", err)
	}
}

// changed deploys an edited pipeline with the pipelines' pipeline, and then fails one of
// its stages: CodePipeline does not roll back to an execution of an earlier version.
func (s *system) changed(t *testing.T) {
	c := s.copied(t)
	c.edit(t, "pipeline/pipeline.yaml", "TimeoutInMinutes: 4320", "TimeoutInMinutes: 4000")
	c.commit(t, "ask for a shorter time")
	output := s.succeeds(t, "pipelines", "--approve", "--source", c.dir)
	inOrder(t, output, "✓ Pipelines/ChangeSet-signup-guard", "✓ Pipelines/Execute-signup-guard succeeded: changed")
	c.edit(t, "services/signup-guard/template.yaml", "/user-events/topic-key-arn", "/user-events/no-such-name")
	c.commit(t, "read a name that does not exist")
	s.fails(t, []string{"✗ Test/", "no-such-name", "Test cannot be rolled back: no execution of this version of the pipeline"},
		"signup-guard", "--approve", "--source", c.dir)
}
