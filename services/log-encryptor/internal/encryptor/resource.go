package encryptor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"gatehouse.example/lambdakit/reason"
)

// notMade is the physical id of a resource whose creation failed. CloudFormation
// deletes it on rollback, which must not touch the group. No group can have this
// name.
const notMade = "(not made)"

// ResourceWriter is what the custom resource needs in addition to the keeper.
type ResourceWriter interface {
	CreateLogGroup(context.Context, *cloudwatchlogs.CreateLogGroupInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogGroupOutput, error)
	DisassociateKmsKey(context.Context, *cloudwatchlogs.DisassociateKmsKeyInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DisassociateKmsKeyOutput, error)
}

// ResourceHandler answers requests of Custom::LogGroupEncryption: a stack names one
// log group, which is encrypted when the stack has been deployed. It is for groups
// that a service creates with a name of its own, such as API Gateway's execution logs.
// A template that owns its group sets KmsKeyId instead.
//
// The physical id is the group's name, so another name is a replacement: the new group
// is encrypted first, and CloudFormation requests the deletion of the old one afterwards.
type ResourceHandler struct {
	Groups *Directory
	Keeper *Keeper
	Logs   ResourceWriter
	// Prefixes select the groups that the function's role may change.
	Prefixes Prefixes
	Log      *slog.Logger
}

// executionLogs begins the names of API Gateway's execution logs. An API's id is drawn
// with its stack, so no prefix of an environment includes them, and only a stack that
// names its group gets one.
const executionLogs = "API-Gateway-Execution-Logs_"

// mayChange reports whether the function's role may change the group. A stack may name a
// group that the sweep ignores because of ExcludePrefixes.
func (h *ResourceHandler) mayChange(name string) bool {
	return startsWithAny(name, h.Prefixes.Include) || strings.HasPrefix(name, executionLogs)
}

// Handle has the shape that cfn.LambdaWrap takes.
func (h *ResourceHandler) Handle(ctx context.Context, e cfn.Event) (id string, data map[string]any, err error) {
	defer func() {
		h.Log.InfoContext(ctx, "request", "type", string(e.RequestType), "stack", e.StackID, "resource", e.LogicalResourceID, "logGroup", id, "failed", err != nil)
	}()
	switch e.RequestType {
	case cfn.RequestCreate:
		if data, err = h.take(ctx, e.ResourceProperties); err != nil {
			return notMade, nil, err
		}
		return data["LogGroupName"].(string), data, nil
	case cfn.RequestUpdate:
		// After a failed update the old resource and its id remain.
		if data, err = h.take(ctx, e.ResourceProperties); err != nil {
			return e.PhysicalResourceID, nil, err
		}
		return data["LogGroupName"].(string), data, nil
	case cfn.RequestDelete:
		return e.PhysicalResourceID, nil, h.release(ctx, e.PhysicalResourceID, e.ResourceProperties)
	default:
		return e.PhysicalResourceID, nil, fmt.Errorf("request type %q is not known", e.RequestType)
	}
}

// take gives the group what the properties say. An update repairs manual changes,
// and a repeated request changes nothing.
func (h *ResourceHandler) take(ctx context.Context, properties map[string]any) (map[string]any, error) {
	p, err := parseProperties(properties)
	if err != nil {
		return nil, err
	}
	// Before the first call, so that a refused request changes nothing and creates nothing.
	if !h.mayChange(p.LogGroupName) {
		return nil, fmt.Errorf("log-encryptor may not touch log group %s; add its prefix to the stack's parameter IncludePrefixes", p.LogGroupName)
	}
	g, err := h.find(ctx, p)
	if err != nil {
		return nil, explained(err, p.LogGroupName)
	}
	r, err := h.Keeper.Keep(ctx, g, 0)
	switch {
	case err != nil:
		return nil, explained(err, g.Name)
	case r.Gone:
		return nil, fmt.Errorf("log group %s was deleted meanwhile", g.Name)
	case r.Other:
		return nil, fmt.Errorf("log group %s is encrypted with another key, %s, and stays so; disassociate that first", g.Name, g.KeyARN)
	}
	if p.RetentionInDays > 0 {
		if _, err := h.Keeper.Retain(ctx, g, p.RetentionInDays); err != nil {
			return nil, explained(err, g.Name)
		}
	}
	return map[string]any{"LogGroupName": g.Name, "Arn": g.ARN, "KmsKeyArn": h.Keeper.KeyARN}, nil
}

// find reads the group, or creates it if the properties say so.
func (h *ResourceHandler) find(ctx context.Context, p properties) (Group, error) {
	g, found, err := h.Groups.Find(ctx, p.LogGroupName)
	if err != nil || found {
		return g, err
	}
	if !p.CreateIfMissing {
		return g, fmt.Errorf("log group %s does not exist; create it first, or set CreateIfMissing to true", p.LogGroupName)
	}
	_, err = h.Logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &p.LogGroupName, KmsKeyId: &h.Keeper.KeyARN})
	var exists *types.ResourceAlreadyExistsException
	if err != nil && !errors.As(err, &exists) { // its owner was quicker
		return g, fmt.Errorf("logs.CreateLogGroup: %w", reason.Safe(err))
	}
	if g, found, err = h.Groups.Find(ctx, p.LogGroupName); err == nil && !found {
		err = fmt.Errorf("log group %s does not show up after its creation; try again", p.LogGroupName)
	}
	return g, err
}

// release removes the key only if the properties say so and the key is ours. It
// never deletes the group. Invalid properties do nothing: otherwise a stack whose
// creation failed because of them could not be rolled back. A group that the function
// may not change, or no longer may, keeps its key: an error would be the same at every
// attempt, and the stack could never be deleted.
func (h *ResourceHandler) release(ctx context.Context, name string, properties map[string]any) error {
	p, err := parseProperties(properties)
	if err != nil || p.OnDelete != disassociate || name == notMade || !h.mayChange(name) {
		return nil
	}
	g, found, err := h.Groups.Find(ctx, name)
	if err != nil {
		return explained(err, name)
	}
	if !found || g.KeyARN != h.Keeper.KeyARN {
		return nil
	}
	_, err = h.Logs.DisassociateKmsKey(ctx, &cloudwatchlogs.DisassociateKmsKeyInput{LogGroupName: &name})
	switch {
	case err == nil || missing(err):
		return nil
	case code(err) == "AccessDeniedException":
		h.Log.WarnContext(ctx, "the group keeps its key", "logGroup", name, "error", reason.Of(err))
		return nil
	default:
		return explained(fmt.Errorf("logs.DisassociateKmsKey: %w", reason.Safe(err)), name)
	}
}

// code is the code of an error of AWS, or empty.
func code(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return api.ErrorCode()
}

// explained adds what to do to an error of AWS. CloudFormation shows this text to the
// person who deploys the stack.
func explained(err error, name string) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	// A key policy that refuses CloudWatch Logs is AccessDenied, too; only the text
	// tells the difference.
	switch code := api.ErrorCode(); {
	case code == "InvalidParameterException", code == "AccessDeniedException" && strings.Contains(api.ErrorMessage(), "KMS key"):
		return fmt.Errorf("CloudWatch Logs cannot use the log key for %s; is it enabled, and its policy as deployed?: %w", name, err)
	case code == "AccessDeniedException":
		return fmt.Errorf("log-encryptor may not touch log group %s; add its prefix to the stack's parameter IncludePrefixes: %w", name, err)
	default:
		return err
	}
}

const (
	keep         = "Keep"
	disassociate = "Disassociate"
)

// properties are those of Custom::LogGroupEncryption.
type properties struct {
	// LogGroupName is the whole name of one group.
	LogGroupName string
	// RetentionInDays replaces the group's retention; 0 does not change it.
	RetentionInDays int32
	// CreateIfMissing creates the group, encrypted from its first line on.
	CreateIfMissing bool
	// OnDelete says whether deleting the resource removes the key.
	OnDelete string
}

// retentions are the days that PutRetentionPolicy takes.
func retentions() []int64 {
	return []int64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

// parseProperties reads the properties as CloudFormation sends them: every value is a string.
// It refuses unknown properties, because a misspelt one would silently have no effect.
func parseProperties(in map[string]any) (properties, error) {
	p := properties{OnDelete: keep}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		value, ok := in[name].(string)
		if !ok {
			return p, fmt.Errorf("property %s is not a single value", name)
		}
		var err error
		switch name {
		case "ServiceToken", "ServiceTimeout":
		case "Revision": // any text: a change of it makes CloudFormation send an update, which repairs
		case "LogGroupName":
			p.LogGroupName = value
		case "RetentionInDays":
			p.RetentionInDays, err = retention(value)
		case "CreateIfMissing":
			p.CreateIfMissing, err = boolean(name, value)
		case "OnDelete":
			if p.OnDelete = value; value != keep && value != disassociate {
				err = fmt.Errorf("property OnDelete is %q; it is %s or %s", value, keep, disassociate)
			}
		default:
			err = fmt.Errorf("property %s is not known; there are CreateIfMissing, LogGroupName, OnDelete, RetentionInDays and Revision", name)
		}
		if err != nil {
			return p, err
		}
	}
	if !isGroupName(p.LogGroupName) {
		return p, fmt.Errorf("property LogGroupName is %q; it is the name of one log group: 1 to 512 letters, digits and . - _ / #, not beginning with aws/", p.LogGroupName)
	}
	return p, nil
}

var groupNames = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

func isGroupName(name string) bool {
	return groupNames.MatchString(name) && !strings.HasPrefix(name, "aws/")
}

func retention(value string) (int32, error) {
	days, err := strconv.ParseInt(value, 10, 32)
	if err != nil || !slices.Contains(retentions(), days) {
		return 0, fmt.Errorf("property RetentionInDays is %q; CloudWatch Logs takes %s", value, strings.Trim(fmt.Sprint(retentions()), "[]"))
	}
	return int32(days), nil
}

func boolean(name, value string) (bool, error) {
	if value != "true" && value != "false" {
		return false, fmt.Errorf("property %s is %q; it is true or false", name, value)
	}
	return value == "true", nil
}
