package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Pipeline is AWS::CodePipeline::Pipeline with the supported properties.
type Pipeline struct {
	Name          string
	PipelineType  string
	ExecutionMode string
	RoleArn       string
	ArtifactStore struct {
		Type, Location string
		EncryptionKey  struct{ ID, Type string }
	}
	Variables                []Variable
	Triggers                 []Trigger
	RestartExecutionOnUpdate bool `json:",string"`
	Tags                     []struct{ Key, Value string }
	Stages                   []Stage
}

// Variable is a variable of a pipeline, referred to as #{variables.NAME}.
type Variable struct{ Name, DefaultValue, Description string }

// Trigger selects the pushes that start the pipeline.
type Trigger struct {
	ProviderType     string
	GitConfiguration struct {
		SourceActionName string
		Push             []PushFilter
	}
}

// PushFilter selects pushes: both its branches and its file paths must match.
type PushFilter struct{ Branches, FilePaths Patterns }

// Patterns are globs. An exclusion takes precedence over an inclusion.
type Patterns struct{ Includes, Excludes []string }

// Stage is one stage of a pipeline.
type Stage struct {
	Name      string
	OnFailure struct{ Result string }
	// Actions are sorted by RunOrder.
	Actions []Action
}

// Action is one action of a stage.
type Action struct {
	Name             string
	ActionTypeID     ActionType `json:"ActionTypeId"`
	Configuration    map[string]string
	InputArtifacts   []Artifact
	OutputArtifacts  []Artifact
	Namespace        string
	RoleArn          string
	RunOrder         int `json:",string"`
	TimeoutInMinutes int `json:",string"`
}

// PrimarySource returns the input artifact of a build that has the buildspec. CodePipeline
// needs the setting if there are several
// (https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html).
func (a Action) PrimarySource() string {
	if len(a.InputArtifacts) == 1 {
		return a.InputArtifacts[0].Name
	}
	return a.Configuration["PrimarySource"]
}

// ActionType identifies the provider of an action.
type ActionType struct{ Category, Owner, Provider, Version string }

// String joins the parts with slashes.
func (t ActionType) String() string {
	return strings.Join([]string{t.Category, t.Owner, t.Provider, t.Version}, "/")
}

// Artifact names a zip file that one action makes and others read.
type Artifact struct{ Name string }

func artifactNames(all []Artifact) []string {
	var out []string
	for _, a := range all {
		out = append(out, a.Name)
	}
	return out
}

// The supported action types.
const (
	Source         = "Source/AWS/CodeStarSourceConnection/1"
	Build          = "Build/AWS/CodeBuild/1"
	Test           = "Test/AWS/CodeBuild/1"
	CloudFormation = "Deploy/AWS/CloudFormation/1"
	Approval       = "Approval/AWS/Manual/1"
)

// settings are the supported configuration keys of each action type.
var settings = map[string][]string{
	Source:         {"BranchName", "ConnectionArn", "DetectChanges", "FullRepositoryId", "OutputArtifactFormat"},
	Build:          {"EnvironmentVariables", "PrimarySource", "ProjectName"},
	Test:           {"EnvironmentVariables", "PrimarySource", "ProjectName"},
	CloudFormation: {"ActionMode", "Capabilities", "ChangeSetName", "ParameterOverrides", "RoleArn", "StackName", "TemplateConfiguration", "TemplatePath"},
	Approval:       {"CustomData", "ExternalEntityLink", "NotificationArn"},
}

// UnmarshalJSON refuses unknown fields and sorts the actions.
func (s *Stage) UnmarshalJSON(raw []byte) error {
	type plain Stage
	if err := strict(raw, (*plain)(s)); err != nil {
		return fmt.Errorf("stage %s: %w", nameIn(raw), err)
	}
	slices.SortStableFunc(s.Actions, func(a, b Action) int { return a.RunOrder - b.RunOrder })
	return nil
}

// UnmarshalJSON refuses unknown fields, action types and settings.
func (a *Action) UnmarshalJSON(raw []byte) error {
	type plain Action
	a.RunOrder = 1
	if err := strict(raw, (*plain)(a)); err != nil {
		return fmt.Errorf("action %s: %w", nameIn(raw), err)
	}
	known, ok := settings[a.ActionTypeID.String()]
	if !ok {
		return fmt.Errorf("action %s: the action type %s is not supported", a.Name, a.ActionTypeID)
	}
	for key := range a.Configuration {
		if !slices.Contains(known, key) {
			return fmt.Errorf("action %s: the setting %s of %s is not supported", a.Name, key, a.ActionTypeID)
		}
	}
	return nil
}

// nameIn returns the name of an object that cannot be decoded as a whole.
func nameIn(raw []byte) string {
	var object struct{ Name string }
	_ = json.Unmarshal(raw, &object)
	return object.Name
}

// Project is AWS::CodeBuild::Project. Settings that only AWS can apply are read
// and ignored. A cache is refused: what a build of any commit writes to it, the build
// of an approved one would read.
type Project struct {
	Name        string
	Description string
	ServiceRole string
	Source      struct{ Type, BuildSpec string }
	Artifacts   struct{ Type string }
	Environment struct {
		Type, ComputeType, Image string
		PrivilegedMode           bool `json:",string"`
		ImagePullCredentialsType string
		EnvironmentVariables     []EnvironmentVariable
	}
	EncryptionKey          string
	TimeoutInMinutes       int `json:",string"`
	QueuedTimeoutInMinutes int `json:",string"`
	ConcurrentBuildLimit   int `json:",string"`
	LogsConfig             struct {
		CloudWatchLogs struct{ Status, GroupName, StreamName string }
		S3Logs         struct{ Status string }
	}
	Visibility string
	Tags       []struct{ Key, Value string }
}

// EnvironmentVariable is one of a project or of an action.
type EnvironmentVariable struct{ Name, Value, Type string }
