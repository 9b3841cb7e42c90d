package code

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// forbidden lists what no trigger may link, and why: a person waits while it starts.
func forbidden() map[string]string {
	return map[string]string{
		"github.com/aws/aws-xray-sdk-go":              "doubles the binary and adds 3.7 ms to each cold start; Tracing: Active is enough",
		"github.com/aws/aws-sdk-go":                   "its table of endpoints takes 3 ms at each start; use aws-sdk-go-v2",
		"github.com/aws/aws-sdk-go-v2/config":         "links the whole credential chain; a function has its environment",
		"github.com/aws/aws-sdk-go-v2/service":        "a trigger publishes an event and makes no other call",
		"go.uber.org/zap":                             "comes with the CloudEvents client; import v2/event only",
		"google.golang.org/grpc":                      "a trigger makes one HTTP call",
		"github.com/valyala/fasthttp":                 "comes with the X-Ray SDK",
		"net/http/pprof":                              "serves HTTP and starts work at init",
		"net/rpc":                                     "belongs to the retired go1.x runtime; build with -tags lambda.norpc",
		"github.com/santhosh-tekuri/jsonschema":       "is for tests",
		"gatehouse.example/lambdakit/tracing":         "links the X-Ray SDK",
		"gatehouse.example/contracts/schemas":         "is for tests and tools",
		"github.com/cloudevents/sdk-go/v2/client":     "import v2/event only",
		"github.com/cloudevents/sdk-go/v2/protocol":   "import v2/event only",
		"github.com/cloudevents/sdk-go/v2/binding":    "import v2/event only",
		"github.com/cloudevents/sdk-go/v2/extensions": "import v2/event only",
	}
}

// clients are the SDK packages with which lambdakit/publish sends an event: to the
// topic, or to the outbox if the topic refuses it. docs/adr/0021 says what they cost.
func clients() []string {
	return []string{"github.com/aws/aws-sdk-go-v2/service/sns", "github.com/aws/aws-sdk-go-v2/service/sqs", "github.com/aws/aws-sdk-go-v2/service/internal"}
}

// furtherClients are the SDK packages of a trigger that does more than publish: that of
// custom challenges keeps state, and seals what it hands over (docs/adr/0053); that of a
// migration counts tries, finds people and reads a secret (docs/adr/0054).
func furtherClients(trigger string) []string {
	return map[string][]string{
		"challenge":     {"github.com/aws/aws-sdk-go-v2/service/dynamodb", "github.com/aws/aws-sdk-go-v2/service/kms"},
		"usermigration": {"github.com/aws/aws-sdk-go-v2/service/dynamodb", "github.com/aws/aws-sdk-go-v2/service/secretsmanager"},
	}[trigger]
}

// below reports whether a package is one of these or in a folder of one.
func below(dep string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return dep == prefix || strings.HasPrefix(dep, prefix+"/") })
}

// weights reports the forbidden packages among a trigger's dependencies.
func weights(deps []string, allowed ...string) []string {
	var out []string
	bad := forbidden()
	for _, dep := range deps {
		if dep == "github.com/cloudevents/sdk-go/v2" {
			out = append(out, dep+": links the client; import v2/event only")
		}
		for _, prefix := range slices.Sorted(maps.Keys(bad)) {
			if below(dep, prefix) && !below(dep, append(clients(), allowed...)...) {
				out = append(out, dep+": "+bad[prefix])
			}
		}
	}
	return out
}

// triggerCommands returns the folders of the triggers' main packages.
func triggerCommands(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, name := range repository.CognitoTriggers {
		var found []string
		for _, stack := range repository.Stacks(t) {
			if dir := filepath.Join(stack.Dir, "cmd", name); repository.Exists(repository.Short(dir)) {
				found = append(found, dir)
			}
		}
		if len(found) != 1 {
			t.Errorf("%d folders services/*/cmd/%s, want one", len(found), name)
		}
		out = append(out, found...)
	}
	return out
}

func TestTriggerDependencies(t *testing.T) {
	t.Parallel()
	for _, dir := range triggerCommands(t) {
		cmd := exec.Command("go", "list", "-deps", "-tags", "lambda.norpc,nethttpomithttp2", ".")
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s: go list: %v", repository.Short(dir), err)
			continue
		}
		for _, finding := range weights(strings.Fields(string(out)), furtherClients(filepath.Base(dir))...) {
			t.Errorf("%s links %s", repository.Short(dir), finding)
		}
	}
}

func TestTriggerDependenciesPlanted(t *testing.T) {
	t.Parallel()
	fine := []string{
		"fmt", "net/http", "github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/aws/signer/v4",
		"github.com/aws/aws-sdk-go-v2/service/sns", "github.com/aws/aws-sdk-go-v2/service/sqs/types", "github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding",
		"github.com/cloudevents/sdk-go/v2/event", "github.com/cloudevents/sdk-go/v2/event/datacodec/json", "github.com/cloudevents/sdk-go/v2/types",
	}
	if got := weights(fine); got != nil {
		t.Errorf("findings %v", got)
	}
	for _, dep := range []string{
		"github.com/aws/aws-xray-sdk-go/v2/xray", "github.com/aws/aws-sdk-go/aws", "github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/service/ssm", "github.com/aws/aws-sdk-go-v2/service/snsx",
		"gatehouse.example/lambdakit/tracing", "go.uber.org/zap/zapcore", "google.golang.org/grpc", "net/http/pprof", "github.com/cloudevents/sdk-go/v2",
		"github.com/cloudevents/sdk-go/v2/client",
	} {
		if got := weights(append(slices.Clone(fine), dep)); len(got) != 1 || !strings.HasPrefix(got[0], dep+": ") {
			t.Errorf("%s: findings %s", dep, fmt.Sprint(got))
		}
	}
}
