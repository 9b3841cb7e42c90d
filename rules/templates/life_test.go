package templates

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// event is one operation of CloudFormation on a resource.
type event string

// The events of a stack's life. In the first two, another resource fails after this one
// was created.
const (
	creationFails event = "creation fails"
	updateFails   event = "update fails"
	replaced      event = "replaced"
	deleted       event = "deleted"
	recreated     event = "created again"
)

func events() []event { return []event{creationFails, updateFails, replaced, deleted, recreated} }

// schemaOf is the part of a type's schema that decides what is replaced and what is
// unique. The schemas are AWS's registry's, which cfn-lint contains.
type schemaOf struct {
	CreateOnly, Identity, ReadOnly []string
}

// fixedName returns the properties that give a resource the name that AWS refuses a
// second time: the identity, if the template chooses it, or an immutable name. A
// resource without one gets a name that CloudFormation draws.
func (s schemaOf) fixedName(r template.Resource) []string {
	names := slices.DeleteFunc(slices.Clone(s.Identity), func(p string) bool { return slices.Contains(s.ReadOnly, p) })
	if len(names) < len(s.Identity) || len(names) == 0 {
		names = nil
		for _, p := range s.CreateOnly {
			if strings.HasSuffix(p, "Name") && !slices.Contains(foreignNames(), r.Type+"."+p) {
				names = append(names, p)
			}
		}
	}
	if slices.ContainsFunc(names, func(p string) bool { return r.Prop(p) == nil }) {
		return nil
	}
	return names
}

// foreignNames are immutable properties that name another resource, or that need not
// be unique.
func foreignNames() []string {
	return []string{
		"AWS::ApiGateway::BasePathMapping.DomainName",
		"AWS::Cognito::UserPoolClient.ClientName", // API_CreateUserPoolClient: the id identifies it
		"AWS::Lambda::Permission.FunctionName",
		"AWS::Lambda::Url.TargetFunctionName",
		"AWS::Lambda::Version.FunctionName",
		"AWS::Route53::RecordSet.HostedZoneName",
		"AWS::S3::BucketPolicy.Bucket",
	}
}

// life is what the model says about one resource.
type life struct {
	template.Resource
	name                 []string // the properties of its fixed name
	refuses              string   // why AWS refuses to delete it, or empty
	onCreate, onDelete   bool     // whether its DeletionPolicy retains it
	onReplace            bool     // whether its UpdateReplacePolicy retains it
	varies               []string // immutable properties outside its name that an update can change
	uncheckedName        bool     // its name returns after a deletion, and no check can compute it
	lostKey, unretainKey string   // a key that it needs and that is not retained with it
}

// end returns the state in which the event ends on AWS, and what is wrong with it.
//
// Sources: the DeletionPolicy and UpdateReplacePolicy attributes in AWS's Template
// Reference (RetainExceptOnCreate deletes if the operation that created the resource is
// rolled back); "Troubleshooting CloudFormation" in the User Guide (ROLLBACK_FAILED,
// DELETE_FAILED, names that exist); "Name Type" in the Template Reference (a named
// resource cannot be replaced); DeleteUserPool, DeleteTable and DeleteBucket in the API
// references, for what refuses a deletion.
func (l life) end(e event) (state, fault string) {
	switch e {
	case creationFails:
		return l.rolledBack("ROLLBACK")
	case updateFails:
		return l.rolledBack("UPDATE_ROLLBACK")
	case replaced:
		switch {
		case len(l.varies) > 0 && l.name != nil:
			return "UPDATE_ROLLBACK_COMPLETE", fmt.Sprintf("%v can change, and a resource with a fixed name (%v) cannot be replaced", l.varies, l.name)
		case len(l.varies) > 0 && !l.onReplace && l.refuses != "":
			return "UPDATE_COMPLETE, the old one left", "the old one is not retained, and AWS refuses to delete it: " + l.refuses
		}
		return "UPDATE_COMPLETE", ""
	case deleted:
		switch {
		case l.onDelete && l.lostKey != "":
			return "DELETE_COMPLETE", "it is retained, but not its key " + l.lostKey
		case !l.onDelete && l.refuses != "":
			return "DELETE_FAILED", "AWS refuses to delete it: " + l.refuses
		}
		return "DELETE_COMPLETE", ""
	}
	switch {
	case l.onDelete && l.name != nil && !shared(l.Type):
		return "ROLLBACK_COMPLETE", fmt.Sprintf("the retained one has its fixed name (%v)", l.name)
	case l.uncheckedName:
		return "ROLLBACK_COMPLETE", fmt.Sprintf("its name (%v) may exist again, and `gatehouse aws check` cannot compute it", l.name)
	}
	return "CREATE_COMPLETE", ""
}

// rolledBack is the end of a rollback that deletes the resource, or retains it. After an
// update CloudFormation deletes in a clean-up phase that ignores failures.
func (l life) rolledBack(operation string) (state, fault string) {
	switch {
	case !l.onCreate && l.refuses != "" && operation == "ROLLBACK":
		return operation + "_FAILED", "the rollback deletes it, and AWS refuses: " + l.refuses
	case !l.onCreate && l.refuses != "":
		return operation + "_COMPLETE", "the clean-up deletes it, and AWS refuses (" + l.refuses + "), so it is left without being retained on purpose"
	case l.onCreate && l.name != nil && !shared(l.Type):
		return operation + "_COMPLETE", fmt.Sprintf("it is retained with a fixed name (%v), so the next attempt fails", l.name)
	case l.onCreate && l.unretainKey != "":
		return operation + "_COMPLETE", "it is retained, but its key " + l.unretainKey + " is deleted"
	}
	return operation + "_COMPLETE", ""
}

// shared reports whether a type is one setting of the account, which a second creation
// overwrites (API_UpdateAccount of API Gateway).
func shared(typ string) bool { return typ == "AWS::ApiGateway::Account" }

// refusal says why AWS would refuse to delete a resource. Custom resources are known
// only if their function is. A bus with rules of others is not here: `gatehouse aws
// destroy` refuses it before it deletes anything.
func refusal(r template.Resource) string {
	for key, value := range template.Pairs(r.Prop()) {
		if strings.HasPrefix(key.Value, "DeletionProtection") && slices.ContainsFunc(template.Texts(value), func(v string) bool { return v != "false" && v != "INACTIVE" }) {
			return key.Value
		}
	}
	switch {
	case r.Type == "AWS::S3::Bucket":
		return "others may have written to it"
	case strings.HasPrefix(r.Type, "Custom::") || r.Type == "AWS::CloudFormation::CustomResource":
		return "its function may answer FAILED"
	case r.Type == "AWS::CloudWatch::CompositeAlarm" && len(mentions(r.Prop("AlarmRule"))) == 0:
		return "the alarms in its rule are deleted in any order, and CloudWatch refuses while it names them; use !Ref"
	}
	return ""
}

var inText = regexp.MustCompile(`\$\{([A-Za-z0-9]+)(?:\.[^}]*)?\}`)

// mentions are the logical ids and parameters in a value, and "ssm" for a dynamic
// reference. Those of the environment and of AWS are the same for a stack's whole life.
func mentions(n *yaml.Node) []string {
	var out []string
	add := func(name string) {
		if name != "" && !strings.HasPrefix(name, "AWS::") && name != "Environment" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	template.Walk(n, func(n *yaml.Node) {
		text := template.Text(n)
		if name, ok := strings.CutPrefix(text, "ref:"); ok {
			add(name)
		} else if name, ok := strings.CutPrefix(text, "att:"); ok {
			name, _, _ = strings.Cut(name, ".")
			add(name)
		}
		for _, m := range inText.FindAllStringSubmatch(text, -1) {
			add(m[1])
		}
		if strings.Contains(text, "{{resolve:") {
			add("ssm")
		}
	})
	return out
}

// changing returns the resources whose id an update can change: an immutable property
// comes from a parameter, another stack, or such a resource.
func changing(t *template.Template, schemas map[string]schemaOf) map[string][]string {
	var parameters []string
	for _, p := range t.Parameters() {
		parameters = append(parameters, p.Name)
	}
	found := map[string][]string{}
	for before := -1; before != len(found); {
		before = len(found)
		for _, r := range t.Resources("") {
			var varies []string
			for _, p := range schemas[r.Type].CreateOnly {
				if slices.ContainsFunc(mentions(r.Prop(p)), func(m string) bool {
					return m == "ssm" || slices.Contains(parameters, m) || found[m] != nil
				}) {
					varies = append(varies, p)
				}
			}
			if varies != nil {
				found[r.ID] = varies
			}
		}
	}
	return found
}

// makesGroups reports whether a role of the template may create log groups. Then what is
// logged after a group's deletion creates it again, without its key and retention.
func makesGroups(t *template.Template) bool {
	made := false
	template.Walk(t.Root, func(n *yaml.Node) {
		for _, text := range []string{"logs:CreateLogGroup", "AWSLambdaBasicExecutionRole", "AmazonAPIGatewayPushToCloudWatchLogs"} {
			made = made || strings.Contains(n.Value, text)
		}
	})
	return made
}

// lives returns what the model says about each resource with protection, retention or
// a fixed name.
func lives(t *template.Template, schemas map[string]schemaOf) []life {
	var out []life
	moving := changing(t, schemas)
	policy := func(r template.Resource, name string) string { return template.Text(template.Get(r.Node, name)) }
	for _, r := range t.Resources("") {
		l := life{Resource: r, name: schemas[r.Type].fixedName(r), refuses: refusal(r)}
		l.onCreate, l.onDelete = policy(r, "DeletionPolicy") == "Retain", r.Retained("DeletionPolicy")
		l.onReplace = r.Retained("UpdateReplacePolicy")
		l.varies = slices.DeleteFunc(slices.Clone(moving[r.ID]), func(p string) bool { return slices.Contains(l.name, p) })
		if len(l.varies) < len(moving[r.ID]) {
			l.varies = nil // the name changes too
		}
		l.uncheckedName = r.Type == "AWS::Logs::LogGroup" && l.name != nil && makesGroups(t) && len(mentions(r.Prop("LogGroupName"))) > 0
		for _, key := range t.Resources("AWS::KMS::Key") {
			// The description of a version only names the key.
			if r.ID != key.ID && r.Type != "AWS::Lambda::Version" && l.onDelete && slices.Contains(mentions(r.Prop()), key.ID) {
				if !key.Retained("DeletionPolicy") {
					l.lostKey = key.ID
				}
				if policy(key, "DeletionPolicy") != "Retain" {
					l.unretainKey = key.ID
				}
			}
		}
		if l.name != nil || l.refuses != "" || l.onDelete || l.onReplace {
			out = append(out, l)
		}
	}
	return out
}

// stuck are the lives that end badly. It also counts what it looked at.
func stuck(all []*template.Template, schemas map[string]schemaOf) (findings []string, looked int) {
	for _, t := range all {
		for _, l := range lives(t, schemas) {
			for _, e := range events() {
				looked++
				if state, fault := l.end(e); fault != "" {
					findings = append(findings, fmt.Sprintf("%s: %s: %s: %s", l, e, state, fault))
				}
			}
		}
	}
	return findings, looked
}

// deployable are the templates as CloudFormation gets them.
func deployable(t *testing.T) []*template.Template {
	t.Helper()
	var sam []repository.Untranslated
	var out []*template.Template
	for _, one := range repository.Templates(t) {
		if repository.IsSAM(one) {
			sam = append(sam, repository.Untranslated{Path: one.Path, Template: strings.Join(one.Lines, "\n"), Parameters: repository.Release("true")})
		} else {
			out = append(out, one)
		}
	}
	return append(out, repository.Translate(t, sam)...)
}

// readSchemas reads the schemas of the templates' types. A type without a schema, such
// as a custom one, has no immutable properties.
func readSchemas(t *testing.T, all []*template.Template) map[string]schemaOf {
	t.Helper()
	out := map[string]schemaOf{}
	for _, one := range all {
		for _, r := range one.Resources("") {
			out[r.Type] = schemaOf{}
		}
	}
	folder := filepath.Join(filepath.Dir(filepath.Dir(repository.CfnLint(t))), "lib", "python3*", "site-packages", "cfnlint", "data", "schemas")
	found, err := filepath.Glob(folder)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d folders of schemas in %s: %v", len(found), folder, err)
	}
	files := readJSON[map[string]string](t, filepath.Join(found[0], "providers", "us-east-1.json"))
	for _, typ := range slices.Sorted(maps.Keys(out)) {
		if files[typ] == "" {
			continue
		}
		raw := readJSON[struct{ CreateOnlyProperties, ConditionalCreateOnlyProperties, PrimaryIdentifier, ReadOnlyProperties []string }](
			t, filepath.Join(found[0], "resources", files[typ]+".json"))
		out[typ] = schemaOf{
			CreateOnly: properties(append(raw.CreateOnlyProperties, raw.ConditionalCreateOnlyProperties...)),
			Identity:   properties(raw.PrimaryIdentifier), ReadOnly: properties(raw.ReadOnlyProperties),
		}
	}
	return out
}

func properties(paths []string) []string {
	var out []string
	for _, p := range paths {
		out = append(out, strings.TrimPrefix(p, "/properties/"))
	}
	return out
}

// TestLifeOfStacks: no stack can get stuck, whatever fails in it and however often it is
// deleted and created again.
func TestLifeOfStacks(t *testing.T) {
	t.Parallel()
	all := deployable(t)
	findings, looked := stuck(all, readSchemas(t, all))
	repository.Report(t, findings)
	t.Logf("looked at %d combinations of a resource and an event, in %d templates", looked, len(all))
	if looked < 500 {
		t.Errorf("looked at %d combinations only; were the templates or schemas moved?", looked)
	}
}
