package handler

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// resource is one of a template's, without what !Ref and its like mean.
type resource struct {
	ID, Type  string
	DependsOn []string
	Node      *yaml.Node
}

// get is the node below these keys, or nil.
func get(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var next *yaml.Node
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				next = n.Content[i+1]
			}
		}
		n = next
	}
	return n
}

func text(n *yaml.Node, path ...string) string {
	if n = get(n, path...); n == nil {
		return ""
	}
	return n.Value
}

// resources reads a template of this stack.
func resources(t *testing.T, file string) map[string]resource {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", file))
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]resource{}
	all := get(doc.Content[0], "Resources")
	for i := 0; i < len(all.Content); i += 2 {
		r := resource{ID: all.Content[i].Value, Node: all.Content[i+1], Type: text(all.Content[i+1], "Type")}
		if list := get(r.Node, "DependsOn"); list != nil {
			for _, n := range list.Content {
				r.DependsOn = append(r.DependsOn, n.Value)
			}
		}
		out[r.ID] = r
	}
	return out
}

// write hashes what a node says; comments and layout do not count.
func write(h hash.Hash, n *yaml.Node) {
	fmt.Fprintf(h, "%d %s %d:%s %d\n", n.Kind, n.Tag, len(n.Value), n.Value, len(n.Content))
	for _, child := range n.Content {
		write(h, child)
	}
}

// What a stage serves is a copy, made when the deployment is made. CloudFormation
// makes a new one only under a new name, so the name is a hash of what is copied.
func TestDeploymentIsNamedAfterWhatItCopies(t *testing.T) {
	t.Parallel()
	h := sha256.New()
	var named string
	for _, file := range []string{"template.yaml", "errors.yaml"} {
		all := resources(t, file)
		for _, id := range slices.Sorted(maps.Keys(all)) {
			switch all[id].Type {
			case "AWS::ApiGateway::Deployment":
				named = id
			case "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Resource", "AWS::ApiGateway::Method",
				"AWS::ApiGateway::Authorizer", "AWS::ApiGateway::GatewayResponse":
				fmt.Fprintln(h, id)
				write(h, all[id].Node)
			}
		}
	}
	if want := "Deployment" + hex.EncodeToString(h.Sum(nil))[:8]; named != want {
		t.Errorf("the API has changed: in template.yaml rename %s to %s, or the stage still serves the old one", named, want)
	}
}

// A copy that is made too early lacks what is not there yet.
func TestDeploymentWaits(t *testing.T) {
	t.Parallel()
	all := resources(t, "template.yaml")
	want := []string{"Errors"}
	var got []string
	for _, r := range all {
		switch r.Type {
		case "AWS::ApiGateway::Method":
			want = append(want, r.ID)
		case "AWS::ApiGateway::Deployment":
			got = r.DependsOn
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DependsOn (-want +got):\n%s", diff)
	}
}

// door is what the template has for GET and OPTIONS of one path.
type door struct {
	Token     string // none, id or the scope that an access token needs
	Function  string
	Preflight string
}

// doors are all paths of the template but the catch-all and the root.
func doors(t *testing.T) map[string]door {
	t.Helper()
	all := resources(t, "template.yaml")
	var pathOf func(id string) string
	pathOf = func(id string) string {
		r, ok := all[id]
		if !ok || r.Type != "AWS::ApiGateway::Resource" {
			return ""
		}
		return pathOf(text(r.Node, "Properties", "ParentId")) + "/" + text(r.Node, "Properties", "PathPart")
	}
	out := map[string]door{}
	for _, r := range all {
		p := get(r.Node, "Properties")
		path := pathOf(text(p, "ResourceId"))
		if r.Type != "AWS::ApiGateway::Method" || path == "" || path == "/{proxy+}" {
			continue
		}
		d := out[path]
		token, function := tokenOf(p), functionOf(p)
		switch text(p, "HttpMethod") {
		case "ANY":
			d.Token, d.Function = token, function
		case "OPTIONS":
			d.Preflight = token + " " + function
		default:
			t.Errorf("%s: neither ANY nor OPTIONS", r.ID)
		}
		out[path] = d
	}
	return out
}

func tokenOf(p *yaml.Node) string {
	if text(p, "AuthorizationType") == "NONE" {
		return "none"
	}
	if scopes := get(p, "AuthorizationScopes"); scopes != nil {
		return scopes.Content[0].Value
	}
	return "id"
}

func functionOf(p *yaml.Node) string {
	if uri := text(p, "Integration", "Uri"); strings.Contains(uri, "/${HandlerFunction.Alias}/") {
		return "handler"
	} else if strings.Contains(uri, "/signin-audit/activity-arn}}/") {
		return "activity"
	}
	return ""
}

// elsewhere reports whether the function of another service answers a path.
func elsewhere(path string) bool { return path == "/activity" || strings.HasPrefix(path, "/activity/") }

// Template, handler and document agree on which paths there are, and which token
// each takes.
func TestRoutes(t *testing.T) {
	t.Parallel()
	type operation struct {
		Security []map[string][]string
	}
	var doc struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	want := map[string]door{}
	for path, item := range doc.Paths {
		d := door{Token: "none", Function: "handler"}
		for _, s := range item["get"].Security {
			if _, ok := s["idToken"]; ok {
				d.Token = "id"
			}
			if scopes := s["machine"]; len(scopes) == 1 {
				d.Token = scopes[0]
			}
		}
		if elsewhere(path) {
			d.Function = "activity"
		}
		if d.Token != "none" {
			d.Preflight = "none handler"
		}
		want[path] = d
	}
	if diff := cmp.Diff(want, doors(t)); diff != "" {
		t.Errorf("document (-) and template (+):\n%s", diff)
	}
	for path, d := range want {
		if _, mine := newHandler().routes()[path]; mine != (d.Function == "handler") {
			t.Errorf("%s: the handler has a route: %v", path, mine)
		}
	}
	for path := range newHandler().routes() {
		if _, ok := want[path]; !ok {
			t.Errorf("%s is in the handler only", path)
		}
	}
}

// challenges are the values of WWW-Authenticate by the type of the gateway's response.
// UNAUTHORIZED also stands for a request without a token, which gets no error code.
func challenges() map[string]string {
	const invalid = `'Bearer realm="gatehouse", error="invalid_token"'`
	return map[string]string{"UNAUTHORIZED": `'Bearer realm="gatehouse"'`, "EXPIRED_TOKEN": invalid, "INVALID_SIGNATURE": invalid}
}

// exposed are the headers that the functions let a page of another origin read.
func exposed(t *testing.T) string {
	t.Helper()
	return ask(t, http.MethodGet, "/guest", nil).Headers["Access-Control-Expose-Headers"]
}

// A page of another origin can read the 404 of a path that does not exist.
func TestUnknownPathsAreReadable(t *testing.T) {
	t.Parallel()
	all := resources(t, "template.yaml")
	answer := get(all["ElsewhereAny"].Node, "Properties", "Integration", "IntegrationResponses").Content[0]
	header := func(name string) string { return text(answer, "ResponseParameters", "method.response.header."+name) }
	if header("Access-Control-Allow-Origin") != "'*'" || header("Access-Control-Expose-Headers") != "'"+exposed(t)+"'" {
		t.Errorf("origin %s may read %s", header("Access-Control-Allow-Origin"), header("Access-Control-Expose-Headers"))
	}
	declared := get(all["ElsewhereAny"].Node, "Properties", "MethodResponses").Content[0]
	names := get(answer, "ResponseParameters").Content
	for i := 0; i < len(names); i += 2 {
		if text(declared, "ResponseParameters", names[i].Value) != "true" {
			t.Errorf("%s is not declared, and AWS refuses the method", names[i].Value)
		}
	}
	preflight := get(all["ElsewhereOptions"].Node, "Properties")
	if text(preflight, "HttpMethod") != "OPTIONS" || tokenOf(preflight) != "none" || functionOf(preflight) != "handler" {
		t.Error("no function answers the preflight request")
	}
}

// Each error of the gateway is a problem whose status is the answer's own.
func TestErrors(t *testing.T) {
	t.Parallel()
	seen := []string{}
	for _, r := range resources(t, "errors.yaml") {
		p := get(r.Node, "Properties")
		kind, status := text(p, "ResponseType"), text(p, "StatusCode")
		seen = append(seen, kind)
		body := text(p, "ResponseTemplates", "application/json")
		var problem map[string]any
		if err := json.Unmarshal([]byte(body), &problem); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if problem["type"] != "about:blank" || problem["trace_id"] != "$context.xrayTraceId" || problem["title"] == nil || problem["detail"] == nil {
			t.Errorf("%s: %s", kind, body)
		}
		if strings.HasPrefix(kind, "DEFAULT_") {
			if problem["status"] != nil || status != "" {
				t.Errorf("%s stands for several statuses and names one", kind)
			}
		} else if n, _ := strconv.Atoi(status); problem["status"] != float64(n) || problem["title"] != http.StatusText(n) {
			t.Errorf("%s answers %s with %s", kind, status, body)
		}
		if strings.Contains(body, "$context.error") {
			t.Errorf("%s repeats AWS's own text, which can hold the caller's token", kind)
		}
		header := func(name string) string { return text(p, "ResponseParameters", "gatewayresponse.header."+name) }
		if header("Content-Type") != "'application/problem+json'" || header("Cache-Control") != "'no-store'" || header("X-Content-Type-Options") != "'nosniff'" {
			t.Errorf("%s: headers", kind)
		}
		if want := challenges()[kind]; header("WWW-Authenticate") != want || (want != "") != (status == "401") {
			t.Errorf("%s: WWW-Authenticate is %s at %s, want %s", kind, header("WWW-Authenticate"), status, want)
		}
		if header("Access-Control-Allow-Origin") != "'*'" || header("Access-Control-Expose-Headers") != "'"+exposed(t)+"'" {
			t.Errorf("%s: a page of another origin cannot read what the functions let it read", kind)
		}
		if (header("Retry-After") != "") != (kind == "THROTTLED") {
			t.Errorf("%s: Retry-After is %s", kind, header("Retry-After"))
		}
	}
	for _, kind := range []string{"UNAUTHORIZED", "ACCESS_DENIED", "MISSING_AUTHENTICATION_TOKEN", "THROTTLED", "INTEGRATION_TIMEOUT", "DEFAULT_4XX", "DEFAULT_5XX"} {
		if !slices.Contains(seen, kind) {
			t.Errorf("no answer for %s", kind)
		}
	}
}

// The access log contains what was requested, but not who requested it or from where.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	settings := get(resources(t, "template.yaml")["Stage"].Node, "Properties")
	format := text(settings, "AccessLogSetting", "Format")
	var line map[string]string
	if err := json.Unmarshal([]byte(format), &line); err != nil {
		t.Fatalf("%v in %s", err, format)
	}
	// Every variable is one of these: an address, a path, a query or a sub would be
	// new here.
	known := regexp.MustCompile(`^\$context\.(requestTime|requestId|xrayTraceId|httpMethod|resourcePath|status|responseLatency|integrationLatency|responseLength|error\.responseType|authorizer\.claims\.(aud|client_id))$`)
	for name, value := range line {
		if !known.MatchString(value) {
			t.Errorf("%s holds %s", name, value)
		}
	}
	if text(settings, "TracingEnabled") != "true" {
		t.Error("the stage is not traced")
	}
	for _, method := range get(settings, "MethodSettings").Content {
		if text(method, "DataTraceEnabled") != "false" || text(method, "LoggingLevel") != "OFF" || text(method, "MetricsEnabled") != "true" {
			t.Error("execution logs are on, or metrics off")
		}
	}
}

// Every method of the stage has a limit that its operator chooses.
func TestRequestsAreLimited(t *testing.T) {
	t.Parallel()
	for _, method := range get(resources(t, "template.yaml")["Stage"].Node, "Properties", "MethodSettings").Content {
		if text(method, "HttpMethod") != "*" || text(method, "ResourcePath") != "/*" {
			t.Error("the settings are not those of every method")
		}
		if text(method, "ThrottlingBurstLimit") != "ThrottleBurst" || text(method, "ThrottlingRateLimit") != "ThrottleRate" {
			t.Error("the stage has no limit of requests")
		}
	}
}

func TestDomainRequiresTLS12(t *testing.T) {
	t.Parallel()
	if got := text(resources(t, "domain.yaml")["Domain"].Node, "Properties", "SecurityPolicy"); got != "TLS_1_2" {
		t.Errorf("SecurityPolicy of the domain is %q", got)
	}
}
