package drift

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/template"
)

// stack is a deployed stack.
type stack struct {
	// Name is CloudFormation's. Path is the short name, with those of the nested stacks
	// that lead to it.
	Name, Path string
	resources  []resource
	// unknown says what could not be read.
	unknown []string

	id         arn.ARN
	deployed   types.Stack
	template   *template.Template
	listed     map[string]types.StackResourceSummary
	parent     *stack
	parameters map[string]string
}

// resource is one resource of a stack with what its template says.
type resource struct {
	stack              *stack
	ID, Type, Physical string
	// props are the evaluated properties. unresolved are those that cannot be evaluated.
	props      map[string]any
	unresolved map[string]error
}

// where names a resource for people: the stack, its logical id, its physical one.
func (r resource) where() string {
	name := r.Physical
	if of, err := arn.Parse(name); err == nil {
		name = of.Resource
	}
	return fmt.Sprintf("%s/%s (%s)", r.stack.Path, r.ID, name[strings.LastIndex(name, "/")+1:])
}

// text is a property as text.
func (r resource) text(name string) string {
	if v := r.props[name]; v != nil {
		return scalar(v)
	}
	return ""
}

// root is the stack that nests the others.
func (s *stack) root() *stack {
	for s.parent != nil {
		s = s.parent
	}
	return s
}

// previousParameters keeps the parameters in a change set that is made by hand.
func (s *stack) previousParameters() string {
	text := ""
	for _, p := range s.deployed.Parameters {
		text += " ParameterKey=" + aws.ToString(p.ParameterKey) + ",UsePreviousValue=true"
	}
	if text != "" {
		text = " --parameters" + text
	}
	return text
}

// stackAPI reads stacks.
type stackAPI interface {
	cloudformation.DescribeStacksAPIClient
	cloudformation.ListStackResourcesAPIClient
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
}

// reader reads the stacks of an environment.
type reader struct {
	stacks stackAPI
	// values are those that are not in a template.
	values values
	// evaluates reports whether the resources of a type are compared.
	evaluates func(typ string) bool
}

// read reads the environment's stacks, nested ones after their parents.
func (r reader) read(ctx context.Context, environment string) ([]*stack, error) {
	prefix := "gatehouse-" + environment + "-"
	found, err := r.list(ctx, prefix)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no stack begins with %s; is anything deployed there?", prefix)
	}
	failed := make([]error, len(found))
	var reading sync.WaitGroup
	for i, s := range found {
		reading.Go(func() { failed[i] = r.readOne(ctx, s) })
	}
	reading.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	nest(found, prefix)
	slices.SortFunc(found, func(a, b *stack) int { return strings.Compare(a.Path, b.Path) })
	for _, s := range found {
		r.evaluate(ctx, s, found)
	}
	return found, nil
}

// list finds the stacks whose names begin with the prefix.
func (r reader) list(ctx context.Context, prefix string) ([]*stack, error) {
	var found []*stack
	for pages := cloudformation.NewDescribeStacksPaginator(r.stacks, &cloudformation.DescribeStacksInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("cloudformation.DescribeStacks: %w", err)
		}
		for _, one := range page.Stacks {
			if !strings.HasPrefix(aws.ToString(one.StackName), prefix) || one.StackStatus == types.StackStatusDeleteComplete || one.StackStatus == types.StackStatusReviewInProgress {
				continue
			}
			id, err := arn.Parse(aws.ToString(one.StackId))
			if err != nil {
				return nil, fmt.Errorf("arn.Parse: %w", err)
			}
			found = append(found, &stack{Name: aws.ToString(one.StackName), id: id, deployed: one})
		}
	}
	return found, nil
}

// readOne reads the deployed template of a stack, after SAM, and its resources.
func (r reader) readOne(ctx context.Context, s *stack) error {
	out, err := r.stacks.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &s.Name, TemplateStage: types.TemplateStageProcessed})
	if err != nil {
		return fmt.Errorf("cloudformation.GetTemplate: %w", err)
	}
	if s.template, err = template.Parse(s.Name, []byte(aws.ToString(out.TemplateBody))); err != nil {
		return fmt.Errorf("template.Parse: %w", err)
	}
	listed, err := cfn.Resources(ctx, r.stacks, s.Name)
	if err != nil {
		return err
	}
	s.listed = map[string]types.StackResourceSummary{}
	for _, one := range listed {
		if one.ResourceStatus != types.ResourceStatusDeleteComplete && aws.ToString(one.PhysicalResourceId) != "" {
			s.listed[aws.ToString(one.LogicalResourceId)] = one
		}
	}
	return nil
}

// nest connects nested stacks with those that nest them, and names all.
func nest(all []*stack, prefix string) {
	for _, s := range all {
		s.Path = strings.TrimPrefix(s.Name, prefix)
	}
	ids := map[*stack]string{}
	for _, s := range all {
		for id, one := range s.listed {
			if aws.ToString(one.ResourceType) != template.StackType {
				continue
			}
			if child := named(all, aws.ToString(one.PhysicalResourceId)); child != nil {
				child.parent, ids[child] = s, id
			}
		}
	}
	for _, s := range all {
		if path := []string{}; s.parent != nil {
			for at := s; at.parent != nil; at = at.parent {
				path = append(path, ids[at])
			}
			slices.Reverse(path)
			s.Path = strings.TrimPrefix(s.root().Name, prefix) + "/" + strings.Join(path, "/")
		}
	}
}

// named finds a stack by its id or its name.
func named(all []*stack, id string) *stack {
	for _, s := range all {
		if s.id.String() == id || s.Name == id {
			return s
		}
	}
	return nil
}

// evaluate fills in the stack's resources.
func (r reader) evaluate(ctx context.Context, s *stack, all []*stack) {
	if strings.HasSuffix(string(s.deployed.StackStatus), "_IN_PROGRESS") {
		s.unknown = append(s.unknown, fmt.Sprintf("%s: it is being changed (%s); compare it again afterwards", s.Path, s.deployed.StackStatus))
		return
	}
	within := &resolver{values: r.values, stack: s, all: all}
	if err := s.readParameters(ctx, within); err != nil {
		s.unknown = append(s.unknown, s.Path+": "+oneLine(err))
		return
	}
	in := s.template.Evaluator(s.parameters, within)
	for _, declared := range s.template.Resources("") {
		listed, there := s.listed[declared.ID]
		if name := template.Text(template.Get(declared.Node, "Condition")); name != "" {
			holds, err := in.Holds(ctx, name)
			if err != nil {
				s.unknown = append(s.unknown, s.Path+"/"+declared.ID+": "+oneLine(err))
			}
			if !holds || err != nil {
				continue
			}
		}
		one := resource{stack: s, ID: declared.ID, Type: declared.Type, Physical: aws.ToString(listed.PhysicalResourceId), props: map[string]any{}, unresolved: map[string]error{}}
		if !there {
			s.unknown = append(s.unknown, s.Path+"/"+declared.ID+": the template has it, and the stack does not")
			continue
		}
		if r.evaluates(one.Type) {
			for key, value := range template.Pairs(declared.Prop()) {
				v, err := in.Value(ctx, value)
				switch {
				case err != nil:
					one.unresolved[key.Value] = err
				case v != nil: // AWS::NoValue
					one.props[key.Value] = v
				}
			}
		}
		s.resources = append(s.resources, one)
	}
}

// readParameters are the stack's parameters and the pseudo parameters. The value of a
// nested stack's parameter may be a dynamic reference of the stack that nests it.
func (s *stack) readParameters(ctx context.Context, within *resolver) error {
	s.parameters = map[string]string{
		"AWS::AccountId": s.id.AccountID, "AWS::Partition": s.id.Partition, "AWS::Region": s.id.Region,
		"AWS::StackId": s.id.String(), "AWS::StackName": s.Name, "AWS::URLSuffix": "amazonaws.com",
	}
	given := map[string]string{}
	for _, p := range s.deployed.Parameters {
		given[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
		if p.ResolvedValue != nil { // the type AWS::SSM::Parameter::Value
			given[aws.ToString(p.ParameterKey)] = *p.ResolvedValue
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value, err := within.dynamic(ctx, given[name])
		if err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
		s.parameters[name] = value
	}
	return nil
}
