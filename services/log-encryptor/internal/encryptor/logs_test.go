package encryptor_test

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// fakeLogs is CloudWatch Logs in memory, as far as log-encryptor uses it. It holds groups by name. The zero value is empty and ready.
type fakeLogs struct {
	mu     sync.Mutex
	groups map[string]types.LogGroup
	writes []string
	fail   map[string]error
}

// newLogs holds these groups.
func newLogs(groups ...types.LogGroup) *fakeLogs {
	l := &fakeLogs{}
	for _, g := range groups {
		l.Put(g)
	}
	return l
}

// Put adds or replaces a group, as somebody else would.
func (l *fakeLogs) Put(g types.LogGroup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.groups == nil {
		l.groups = map[string]types.LogGroup{}
	}
	g.LogGroupArn = aws.String("arn:aws:logs:eu-central-1:111122223333:log-group:" + *g.LogGroupName)
	l.groups[*g.LogGroupName] = g
}

// Remove deletes a group, as somebody else would.
func (l *fakeLogs) Remove(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.groups, name)
}

// Fail makes every call of "Action" or "Action name" return err from now on; nil ends it.
func (l *fakeLogs) Fail(call string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail == nil {
		l.fail = map[string]error{}
	}
	l.fail[call] = err
}

// Writes are the successful changes so far: "Action name".
func (l *fakeLogs) Writes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.writes)
}

// Snapshot is key and retention of every group: "key days".
func (l *fakeLogs) Snapshot() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]string{}
	for name, g := range l.groups {
		out[name] = strings.TrimSpace(aws.ToString(g.KmsKeyId) + " " + strconv.Itoa(int(aws.ToInt32(g.RetentionInDays))))
	}
	return out
}

// DescribeLogGroups gives pages of the size asked for, in the order of names.
func (l *fakeLogs) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fail["DescribeLogGroups"]; err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for _, name := range slices.Sorted(maps.Keys(l.groups)) {
		if !strings.HasPrefix(name, aws.ToString(in.LogGroupNamePrefix)) || name <= aws.ToString(in.NextToken) {
			continue
		}
		if len(out.LogGroups) == int(*in.Limit) {
			out.NextToken = out.LogGroups[*in.Limit-1].LogGroupName
			break
		}
		out.LogGroups = append(out.LogGroups, l.groups[name])
	}
	return out, nil
}

// change is one write. For a group that does not exist it answers as AWS does.
func (l *fakeLogs) change(action, name string, do func(*types.LogGroup)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, call := range []string{action, action + " " + name} {
		if err := l.fail[call]; err != nil {
			return err
		}
	}
	g, ok := l.groups[name]
	if !ok {
		return &types.ResourceNotFoundException{Message: aws.String("The specified log group does not exist.")}
	}
	do(&g)
	l.groups[name] = g
	l.writes = append(l.writes, action+" "+name)
	return nil
}

// AssociateKmsKey replaces the key of a group, as on AWS.
func (l *fakeLogs) AssociateKmsKey(_ context.Context, in *cloudwatchlogs.AssociateKmsKeyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.AssociateKmsKeyOutput, error) {
	return &cloudwatchlogs.AssociateKmsKeyOutput{}, l.change("AssociateKmsKey", *in.LogGroupName, func(g *types.LogGroup) { g.KmsKeyId = in.KmsKeyId })
}

// DisassociateKmsKey takes the key off.
func (l *fakeLogs) DisassociateKmsKey(_ context.Context, in *cloudwatchlogs.DisassociateKmsKeyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DisassociateKmsKeyOutput, error) {
	return &cloudwatchlogs.DisassociateKmsKeyOutput{}, l.change("DisassociateKmsKey", *in.LogGroupName, func(g *types.LogGroup) { g.KmsKeyId = nil })
}

// PutRetentionPolicy replaces the retention.
func (l *fakeLogs) PutRetentionPolicy(_ context.Context, in *cloudwatchlogs.PutRetentionPolicyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutRetentionPolicyOutput, error) {
	return &cloudwatchlogs.PutRetentionPolicyOutput{}, l.change("PutRetentionPolicy", *in.LogGroupName, func(g *types.LogGroup) { g.RetentionInDays = in.RetentionInDays })
}

// CreateLogGroup makes a group without retention.
func (l *fakeLogs) CreateLogGroup(_ context.Context, in *cloudwatchlogs.CreateLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogGroupOutput, error) {
	l.mu.Lock()
	err, exists := l.fail["CreateLogGroup"], false
	if _, exists = l.groups[*in.LogGroupName]; err == nil && !exists {
		l.writes = append(l.writes, "CreateLogGroup "+*in.LogGroupName)
	}
	l.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case exists:
		return nil, &types.ResourceAlreadyExistsException{Message: aws.String("The specified log group already exists")}
	}
	l.Put(types.LogGroup{LogGroupName: in.LogGroupName, KmsKeyId: in.KmsKeyId})
	return &cloudwatchlogs.CreateLogGroupOutput{}, nil
}

// logGroup is a group with a key, or none for "", and a retention, or none for 0.
func logGroup(name, key string, days int32) types.LogGroup {
	g := types.LogGroup{LogGroupName: &name, LogGroupClass: types.LogGroupClassStandard}
	if key != "" {
		g.KmsKeyId = &key
	}
	if days > 0 {
		g.RetentionInDays = &days
	}
	return g
}
