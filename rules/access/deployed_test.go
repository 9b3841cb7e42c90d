package access

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	workspace "gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

// What every example ARN has in common.
const (
	partition = "aws"
	region    = "eu-central-1"
	account   = "111122223333"
	zone      = "Z0123456789ABCDEFGHIJ"
	ownTag    = "gatehouse:stack"
	stackTag  = "aws:cloudformation:stack-name"
)

// deployed is a resource of a deployed stack, with its physical name.
type deployed struct {
	template.Resource
	service, environment string
	// stack is the name of the stack, which may be a nested one.
	stack, name, arn string
	// tags are those that the resource has: the template's, and CloudFormation's own
	// where the type gets them.
	tags map[string]string
	// values evaluates properties of the resource.
	values *template.Evaluator
}

// naming says how resources of a type get their names.
type naming struct {
	property string
	// longest is the length to which CloudFormation cuts a generated name.
	longest int
	// arn has the name as %s.
	arn string
}

// namings are the types with names. The lengths are the services' limits for names;
// where the schema has a maxLength it is the same.
func namings() map[string]naming {
	return map[string]naming{
		"AWS::CloudFormation::Stack":       {"", 128, "cloudformation:" + region + ":" + account + ":stack/%s/0a1b2c3d-0000-0000-0000-000000000000"},
		"AWS::CloudWatch::Alarm":           {"AlarmName", 255, "cloudwatch:" + region + ":" + account + ":alarm:%s"},
		"AWS::CloudWatch::CompositeAlarm":  {"AlarmName", 255, "cloudwatch:" + region + ":" + account + ":alarm:%s"},
		"AWS::CloudWatch::Dashboard":       {"DashboardName", 255, "cloudwatch::" + account + ":dashboard/%s"},
		"AWS::CodeDeploy::Application":     {"ApplicationName", 100, "codedeploy:" + region + ":" + account + ":application:%s"},
		"AWS::CodeDeploy::DeploymentGroup": {"DeploymentGroupName", 100, "codedeploy:" + region + ":" + account + ":deploymentgroup:%s"},
		"AWS::Cognito::IdentityPool":       {"", 0, "cognito-identity:" + region + ":" + account + ":identitypool/%s"},
		"AWS::Cognito::UserPool":           {"", 0, "cognito-idp:" + region + ":" + account + ":userpool/%s"},
		"AWS::DynamoDB::Table":             {"TableName", 255, "dynamodb:" + region + ":" + account + ":table/%s"},
		"AWS::Events::Archive":             {"ArchiveName", 48, "events:" + region + ":" + account + ":archive/%s"},
		"AWS::Events::EventBus":            {"Name", 256, "events:" + region + ":" + account + ":event-bus/%s"},
		"AWS::Events::Rule":                {"Name", 64, "events:" + region + ":" + account + ":rule/%s"},
		"AWS::IAM::Role":                   {"RoleName", 64, "iam::" + account + ":role%s"},
		"AWS::KMS::Alias":                  {"AliasName", 256, "kms:" + region + ":" + account + ":%s"},
		"AWS::KMS::Key":                    {"", 0, "kms:" + region + ":" + account + ":key/%s"},
		"AWS::Lambda::EventSourceMapping":  {"", 0, "lambda:" + region + ":" + account + ":event-source-mapping:%s"},
		"AWS::Lambda::Function":            {"FunctionName", 64, "lambda:" + region + ":" + account + ":function:%s"},
		"AWS::Logs::LogGroup":              {"LogGroupName", 512, "logs:" + region + ":" + account + ":log-group:%s"},
		"AWS::SNS::Topic":                  {"TopicName", 256, "sns:" + region + ":" + account + ":%s"},
		"AWS::SQS::Queue":                  {"QueueName", 80, "sqs:" + region + ":" + account + ":%s"},
		"AWS::SSM::Parameter":              {"Name", 1011, "ssm:" + region + ":" + account + ":parameter%s"},
	}
}

func arn(rest string) string { return "arn:" + partition + ":" + rest }

// generated is the name that CloudFormation gives to a resource without one. It shares
// what is left of the longest name between stack and logical id, and adds a random end.
// The algorithm is that of the libraries of its resource types: generateResourceIdentifier
// in https://github.com/aws-cloudformation/cloudformation-cli-java-plugin,
// src/main/java/software/amazon/cloudformation/resource/IdentifierUtils.java
func generated(stack, id string, longest int) string {
	const end = "AbCdEfGhIjKl"
	free := longest - len("-") - len(end) - len("-")
	wanted, given := [2]int{len(stack), len(id)}, [2]int{}
	for free > 0 && given != wanted {
		share := max(1, free/len(given))
		for i := range given {
			more := min(share, wanted[i]-given[i], free)
			given[i] += more
			free -= more
		}
	}
	return stack[:given[0]] + "-" + id[:given[1]] + "-" + end
}

// described returns the resources of a service's stack in an environment, with those
// of the stacks that it nests, whatever their conditions are.
func described(of map[string]*template.Template, service, environment string, systemTags map[string]bool) ([]deployed, error) {
	dir, _ := stackOf(service)
	return describedIn(dir, of, service, environment, systemTags)
}

// describedIn is described for a service whose folder is known.
func describedIn(dir string, of map[string]*template.Template, service, environment string, systemTags map[string]bool) ([]deployed, error) {
	s := &describer{of: of, service: service, environment: environment, systemTags: systemTags}
	err := s.stack(path.Join(dir, "template.yaml"), "gatehouse-"+environment+"-"+service, nil)
	return s.out, err
}

// describer walks through a stack and those that it nests.
type describer struct {
	of                   map[string]*template.Template
	service, environment string
	systemTags           map[string]bool
	out                  []deployed
}

// stack describes one stack, which has parameters of its parent if it is nested.
func (s *describer) stack(file, name string, parent map[string]any) error {
	t := s.of[file]
	if t == nil {
		return fmt.Errorf("%s does not exist", file)
	}
	in := &stackNames{t, s.of, name, s.environment}
	values := t.Evaluator(s.parameters(t, parent), in)
	for _, r := range t.Resources("") {
		d := deployed{Resource: r, service: s.service, environment: s.environment, stack: name, values: values}
		var err error
		if d.name, d.arn, err = in.identify(values, r); err != nil {
			return err
		}
		if d.tags, err = s.tags(d); err != nil {
			return err
		}
		s.out = append(s.out, d)
		if r.Type != template.StackType {
			continue
		}
		given, err := values.Value(context.Background(), r.Prop("Parameters"))
		if err != nil {
			return fmt.Errorf("%s: Parameters: %w", r, err)
		}
		passed, _ := given.(map[string]any)
		if err := s.stack(path.Join(path.Dir(file), template.Text(r.Prop("TemplateURL"))), d.name, passed); err != nil {
			return err
		}
	}
	return nil
}

// parameters are values as a pipeline gives them; what has no value does not matter to
// names and roles.
func (s *describer) parameters(t *template.Template, parent map[string]any) map[string]string {
	out := map[string]string{"AWS::AccountId": account, "AWS::Partition": partition, "AWS::Region": region, "AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "example"}
	given := map[string]string{
		"DomainName": "name.example.com", "Environment": s.environment, "HostedZoneId": zone, "OnAws": "true",
		"PermissionsBoundaryArn": boundaryArn(s.environment), "DeploymentRoleArn": codeDeployArn(s.environment),
		"NoticesFrom": "no-reply@example.com", "SesIdentityArn": arn("ses:" + region + ":" + account + ":identity/example.com"),
	}
	for _, p := range t.Parameters() {
		if value, ok := given[p.Name]; ok {
			out[p.Name] = value
		} else if value, ok := parent[p.Name]; ok {
			out[p.Name] = fmt.Sprint(value)
		} else if p.Default == nil {
			out[p.Name] = "example"
		}
	}
	return out
}

func boundaryArn(environment string) string {
	return arn("iam::" + account + ":policy/gatehouse/" + environment + "/gatehouse-" + environment + "-boundary")
}

func codeDeployArn(environment string) string {
	return arn("iam::" + account + ":role/gatehouse/" + environment + "/pipeline/gatehouse-" + environment + "-codedeploy")
}

// tags are the tags of a resource. CloudFormation adds its own to types whose schema
// says tagging.cloudFormationSystemTags.
func (s *describer) tags(d deployed) (map[string]string, error) {
	out := map[string]string{}
	if s.systemTags[d.Type] {
		out[stackTag] = d.stack
	}
	for _, property := range []string{"Tags", "UserPoolTags", "IdentityPoolTags"} {
		v, err := d.values.Value(context.Background(), d.Prop(property))
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", d, property, err)
		}
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				out[name] = fmt.Sprint(value)
			}
		case []any:
			for _, tag := range v {
				pair, _ := tag.(map[string]any)
				out[fmt.Sprint(pair["Key"])] = fmt.Sprint(pair["Value"])
			}
		}
	}
	return out, nil
}

// stackNames resolves references to the resources of one stack.
type stackNames struct {
	*template.Template
	of                map[string]*template.Template
	name, environment string
}

// identify returns the physical name and the ARN of a resource. A type without a
// name of its own has neither.
func (s *stackNames) identify(values *template.Evaluator, r template.Resource) (name, of string, err error) {
	n, ok := namings()[r.Type]
	if !ok {
		return "", "", nil
	}
	given, err := values.Value(context.Background(), r.Prop(n.property))
	if err != nil {
		return "", "", fmt.Errorf("%s: %s: %w", r, n.property, err)
	}
	switch {
	case given != nil:
		name = fmt.Sprint(given)
	case n.longest == 0: // AWS draws it
		name = r.ID + "-" + s.environment + "-0a1b2c3d"
	default:
		name = generated(s.name, r.ID, n.longest)
	}
	in := name
	switch r.Type {
	case "AWS::IAM::Role":
		folder, err := values.Value(context.Background(), r.Prop("Path"))
		if err != nil {
			return "", "", fmt.Errorf("%s: Path: %w", r, err)
		}
		in = fmt.Sprint(folder) + name
	case "AWS::CodeDeploy::DeploymentGroup":
		application, err := values.Value(context.Background(), r.Prop("ApplicationName"))
		if err != nil {
			return "", "", fmt.Errorf("%s: ApplicationName: %w", r, err)
		}
		in = fmt.Sprint(application) + "/" + name
	}
	return name, arn(fmt.Sprintf(n.arn, in)), nil
}

// Attribute returns a name or an ARN of a resource in the stack.
func (s *stackNames) Attribute(ctx context.Context, id, attribute string) (string, error) {
	for _, r := range s.Resources("") {
		if r.ID != id {
			continue
		}
		values := s.Evaluator(map[string]string{"AWS::AccountId": account, "AWS::Partition": partition, "AWS::Region": region, "Environment": s.environment}, s)
		if r.Type == "AWS::Lambda::Alias" { // both its Ref and its ARN
			function, err := values.Value(ctx, r.Prop("FunctionName"))
			return arn(fmt.Sprintf(namings()["AWS::Lambda::Function"].arn, fmt.Sprint(function)+":live")), err
		}
		name, of, err := s.identify(values, r)
		if output, ok := strings.CutPrefix(attribute, "Outputs."); ok {
			nested := &stackNames{s.of[path.Join(path.Dir(s.Path), template.Text(r.Prop("TemplateURL")))], s.of, name, s.environment}
			v, err := nested.Evaluator(map[string]string{"Environment": s.environment}, nested).Value(ctx, template.Get(nested.Root, "Outputs", output, "Value"))
			return fmt.Sprint(v), err
		}
		if attribute == "Arn" || attribute == "Ref" && r.Type == "AWS::SNS::Topic" {
			return of, err
		}
		return name, err
	}
	return "", errors.New("no resource " + id)
}

// Parameter returns what the writers of SSM parameters write: ARNs of keys, queues and
// topics, and otherwise of aliases.
func (s *stackNames) Parameter(_ context.Context, name string) (string, error) {
	service, what := path.Base(path.Dir(name)), strings.TrimSuffix(path.Base(name), "-arn")
	of := "gatehouse-" + s.environment + "-" + service
	switch {
	case strings.HasSuffix(what, "key"):
		return arn("kms:" + region + ":" + account + ":key/" + what), nil
	case what == "topic":
		return arn("sns:" + region + ":" + account + ":" + of), nil
	case what == "outbox", strings.HasSuffix(what, "queue"):
		return arn("sqs:" + region + ":" + account + ":" + of + "-" + strings.TrimSuffix(what, "-queue")), nil
	}
	return arn("lambda:" + region + ":" + account + ":function:" + of + "-" + what + ":live"), nil
}

// estate are all resources of the services, by environment and service.
type estate map[string]map[string][]deployed

// estateOf describes every service in every environment.
func estateOf(t *testing.T, of map[string]*template.Template, services []string, systemTags map[string]bool) estate {
	t.Helper()
	out := estate{}
	for _, environment := range workspace.Environments {
		out[environment] = map[string][]deployed{}
		for _, service := range services {
			found, err := described(of, service, environment, systemTags)
			if err != nil {
				t.Fatalf("%s in %s: %v", service, environment, err)
			}
			out[environment][service] = found
		}
	}
	return out
}

// others are the resources that a service's role must not reach, by stack: those of the
// other services and of the other environments, and the same resources of another
// team, with its name and without a tag of ours, made by CloudFormation or by hand.
func (e estate) others(service, environment string) [][]deployed {
	var out [][]deployed
	for _, name := range slices.Sorted(maps.Keys(e[environment])) {
		if name != service {
			out = append(out, e[environment][name])
		}
	}
	for _, name := range workspace.Environments {
		if name != environment {
			out = append(out, e[name][service])
		}
	}
	var shop, byHand []deployed
	for _, d := range e[environment][service] {
		rename := strings.NewReplacer("gatehouse-", "shop-", "/gatehouse/", "/shop/", "0a1b2c3d", "4e5f6a7b")
		d.service, d.stack, d.name, d.arn = "shop", rename.Replace(d.stack), rename.Replace(d.name), rename.Replace(d.arn)
		system := d.tags[stackTag] != ""
		d.tags = nil
		byHand = append(byHand, d)
		if system {
			d.tags = map[string]string{stackTag: d.stack}
		}
		shop = append(shop, d)
	}
	return append(out, shop, byHand)
}

// translations are all templates as CloudFormation gets them, by path.
func translations(t *testing.T, all []*template.Template) map[string]*template.Template {
	t.Helper()
	var sam []repository.Untranslated
	out := map[string]*template.Template{}
	for _, one := range all {
		out[one.Path] = one
		if repository.IsSAM(one) {
			sam = append(sam, repository.Untranslated{Path: one.Path, Template: strings.Join(one.Lines, "\n"), Parameters: repository.Release("true")})
		}
	}
	for _, one := range repository.Translate(t, sam) {
		out[one.Path] = one
	}
	return out
}

func TestGeneratedNames(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		stack, id string
		longest   int
		want      string
	}{
		{"gatehouse-dev-api", "Table", 255, "gatehouse-dev-api-Table-AbCdEfGhIjKl"},
		{"gatehouse-production-log-encryptor", "EncryptorFunctionLogGroupCreated", 64, "gatehouse-production-log--EncryptorFunctionLogGroup-AbCdEfGhIjKl"},
		{"gatehouse-production-user-events", "BusArchive", 48, "gatehouse-production-use-BusArchive-AbCdEfGhIjKl"},
		{"short", "EncryptorFunctionLogGroupCreatedBySomebodyElse1", 64, "short-EncryptorFunctionLogGroupCreatedBySomebodyEls-AbCdEfGhIjKl"},
	} {
		if got := generated(tc.stack, tc.id, tc.longest); got != tc.want || len(got) > tc.longest {
			t.Errorf("generated(%s, %s, %d) = %s, want %s", tc.stack, tc.id, tc.longest, got, tc.want)
		}
	}
}
