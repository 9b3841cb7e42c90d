// Package resource is the custom resource Custom::LogGroupEncryption: a stack
// names one log group, and it is encrypted when the stack has been deployed.
//
// It is for groups that a service creates under a name of its own, such as API
// Gateway's execution logs. A template that owns its group says KmsKeyId instead.
package resource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"gatehouse.example/services/log-encryptor/internal/loggroup"
)

// notMade is the physical id of a resource whose creation failed. CloudFormation
// deletes that on rollback, and a group that was never taken must not be let go. No
// group can have this name.
const notMade = "(not made)"

// Writer is what the custom resource needs beyond the keeper.
type Writer interface {
	CreateLogGroup(context.Context, *cloudwatchlogs.CreateLogGroupInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogGroupOutput, error)
	DisassociateKmsKey(context.Context, *cloudwatchlogs.DisassociateKmsKeyInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DisassociateKmsKeyOutput, error)
}

// Handler answers CloudFormation's requests. The physical id is the group's name,
// so that another name is a replacement: the new group is taken first, and
// CloudFormation asks for the old one's deletion afterwards.
type Handler struct {
	Groups *loggroup.Directory
	Keeper *loggroup.Keeper
	Logs   Writer
	Log    *slog.Logger
}

// Handle has the shape that cfn.LambdaWrap takes.
func (h *Handler) Handle(ctx context.Context, e cfn.Event) (id string, data map[string]any, err error) {
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
		// After a failed update the old resource stands, and its id with it.
		if data, err = h.take(ctx, e.ResourceProperties); err != nil {
			return e.PhysicalResourceID, nil, err
		}
		return data["LogGroupName"].(string), data, nil
	case cfn.RequestDelete:
		return e.PhysicalResourceID, nil, h.letGo(ctx, e.PhysicalResourceID, e.ResourceProperties)
	default:
		return e.PhysicalResourceID, nil, fmt.Errorf("request type %q is none that log-encryptor knows", e.RequestType)
	}
}

// take brings the group to what the properties say, whatever it was before: so an
// update repairs what somebody changed by hand, and a repeated request changes nothing.
func (h *Handler) take(ctx context.Context, properties map[string]any) (map[string]any, error) {
	p, err := parse(properties)
	if err != nil {
		return nil, err
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

// find reads the group, and makes it where that was asked for.
func (h *Handler) find(ctx context.Context, p properties) (loggroup.Group, error) {
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
		return g, fmt.Errorf("logs.CreateLogGroup: %w", err)
	}
	if g, found, err = h.Groups.Find(ctx, p.LogGroupName); err == nil && !found {
		err = fmt.Errorf("log group %s does not show up after its creation; try again", p.LogGroupName)
	}
	return g, err
}

// letGo takes the key away if, and only if, that was asked for and it is ours. The
// group itself is never deleted, and properties that are wrong ask for nothing:
// otherwise a stack whose creation they broke could not be rolled back.
func (h *Handler) letGo(ctx context.Context, name string, properties map[string]any) error {
	p, err := parse(properties)
	if err != nil || p.OnDelete != disassociate || name == notMade {
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
	var gone *types.ResourceNotFoundException
	if err != nil && !errors.As(err, &gone) {
		return explained(fmt.Errorf("logs.DisassociateKmsKey: %w", err), name)
	}
	return nil
}

// explained adds what to do where AWS only says no. CloudFormation shows this text
// to whoever deploys the stack.
func explained(err error, name string) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	// A key whose policy turns CloudWatch Logs away is AccessDenied, too; only the text tells.
	switch code := api.ErrorCode(); {
	case code == "InvalidParameterException", code == "AccessDeniedException" && strings.Contains(api.ErrorMessage(), "KMS key"):
		return fmt.Errorf("CloudWatch Logs cannot use the log key for %s; is it enabled, and its policy as deployed?: %w", name, err)
	case code == "AccessDeniedException":
		return fmt.Errorf("log-encryptor may not touch log group %s; add its prefix to the stack's parameter IncludePrefixes: %w", name, err)
	default:
		return err
	}
}
