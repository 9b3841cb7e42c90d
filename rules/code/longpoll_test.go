package code

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// shortPolls: whoever reads a queue asks all of SQS's servers. Without a wait time,
// SQS asks some of them, and an empty answer says nothing about the queue.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
func shortPolls(all []source) []string {
	var out []string
	for _, s := range all {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			c, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if t, ok := c.Type.(*ast.SelectorExpr); ok && t.Sel.Name == "ReceiveMessageInput" && !hasField(c, "WaitTimeSeconds") {
				out = append(out, s.position(c)+": a ReceiveMessageInput without WaitTimeSeconds; an empty answer would say nothing")
			}
			return true
		})
	}
	return out
}

func hasField(c *ast.CompositeLit, name string) bool {
	for _, e := range c.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == name {
				return true
			}
		}
	}
	return false
}

var receiveCommand = regexp.MustCompile(`(?m)\baws sqs receive-message(?:\\\n|.)*`)

// shortPollCommands is shortPolls for the commands that a page shows.
func shortPollCommands(page, text string) []string {
	var out []string
	for _, command := range receiveCommand.FindAllString(text, -1) {
		if !strings.Contains(command, "--wait-time-seconds") {
			out = append(out, page+": aws sqs receive-message without --wait-time-seconds; an empty answer would say nothing")
		}
	}
	return out
}

func TestLongPolling(t *testing.T) {
	t.Parallel()
	repository.Report(t, shortPolls(sources(t)))
	for _, file := range repository.Files(t, ".md") {
		repository.Report(t, shortPollCommands(repository.Short(file), repository.Read(t, file)))
	}
}

func TestLongPollingPlanted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"package a\nvar _ = &sqs.ReceiveMessageInput{WaitTimeSeconds: 2}\n":     0,
		"package a\nvar _ = &sqs.ReceiveMessageInput{MaxNumberOfMessages: 1}\n": 1,
		"package a\nvar _ = sqs.ReceiveMessageInput{}\n":                        1,
	} {
		s, err := parseGo("a/a.go", text)
		if err != nil {
			t.Fatal(err)
		}
		if got := shortPolls([]source{s}); len(got) != want {
			t.Errorf("%q: findings %q, want %d", text, got, want)
		}
	}
	for text, want := range map[string]int{
		"aws sqs receive-message --queue-url x --wait-time-seconds 20\n":          0,
		"aws sqs receive-message \\\n  --wait-time-seconds 20 --queue-url x\n":    0,
		"aws sqs receive-message --queue-url x\n":                                 1,
		"aws sqs receive-message --queue-url x\naws --wait-time-seconds 20 sqs\n": 1,
	} {
		if got := shortPollCommands("p.md", text); len(got) != want {
			t.Errorf("%q: findings %q, want %d", text, got, want)
		}
	}
}
