package e2e

import (
	"bufio"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/tools/actors"
)

// TestTail watches one of two people with `gatehouse events tail`, and ends it as Ctrl-C does.
func TestTail(t *testing.T) {
	t.Parallel()
	s := start(t)
	watched, other := s.newPerson(t), s.newPerson(t)
	watched.signUp(t)
	other.signUp(t)
	cmd := exec.CommandContext(t.Context(), s.root+"/bin/gatehouse", "events", "tail", "--type", "user.created,user.signin", "--user", watched.Sub)
	cmd.Dir, cmd.Env = s.root, s.environ()
	out := must(cmd.StdoutPipe())(t)
	notes := must(cmd.StderrPipe())(t)
	check(t, cmd.Start())
	if line := must(bufio.NewReader(notes).ReadString('\n'))(t); !strings.HasPrefix(line, "waiting for events") {
		t.Fatalf("it says %q", line)
	}
	for _, p := range []*person{other, watched} {
		p.confirm(t)
		p.signIn(t)
	}
	seen := map[string]bool{}
	lines := bufio.NewScanner(out)
	for len(seen) < 3 && lines.Scan() {
		field := strings.Split(lines.Text(), "  ")
		if at, err := time.Parse(time.RFC3339, field[0]); err != nil || time.Since(at) > limit || len(field) < 4 || field[2] != "user="+watched.Sub {
			t.Errorf("line %q", lines.Text())
			continue
		}
		seen[field[1]] = true
	}
	for _, want := range []string{"user.created.v1", "user.signin.attempted.v1", "user.signin.succeeded.v1"} {
		if !seen[want] {
			t.Errorf("no %s among %v", want, seen)
		}
	}
	check(t, cmd.Process.Signal(syscall.SIGINT))
	for lines.Scan() {
		t.Errorf("after Ctrl-C: %q", lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	// Nothing stays of a queue or subscription.
	cfg := s.env.Config()
	queues := must(sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String("gatehouse-local-tail-")}))(t)
	left := queues.QueueUrls
	pages := sns.NewListSubscriptionsByTopicPaginator(sns.NewFromConfig(cfg), &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(s.env["TOPIC_ARN"])})
	for pages.HasMorePages() {
		for _, one := range must(pages.NextPage(t.Context()))(t).Subscriptions {
			if strings.Contains(*one.Endpoint, "-tail-") {
				left = append(left, *one.Endpoint)
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if out, err := s.gatehouse(t, "events", "tail", "--for", (2 * actors.Crashed).String()); err == nil || !strings.Contains(out, "at most 55m") {
		t.Errorf("a tail of two hours: %v, %s", err, out)
	}
}
