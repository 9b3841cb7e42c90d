package encryptor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/reason"
)

// spare is the time before the function's end in which no other group is started.
const spare = 10 * time.Second

// maxNamed bounds the failures that one error lists; the log has all of them.
const maxNamed = 5

// Key reports whether the key can encrypt, and its error why it cannot.
type Key interface {
	Usable(context.Context) error
}

// Sweeper encrypts the log groups that the stack is responsible for. A sweep looks at
// every group, repairs what the rule on new groups missed, and counts what is still
// unencrypted. Without a
// trail, during a throttle or after a bad deployment, a group waits for the next
// sweep and no longer.
type Sweeper struct {
	Groups      *Directory
	Keeper      *Keeper
	Prefixes    Prefixes
	Retention   int32
	Key         Key
	Environment string
	Out         io.Writer
	Log         *slog.Logger
	Now         func() time.Time
}

// tally counts what a sweep saw and did.
type tally struct {
	seen, encrypted, retained, other, unencrypted, unfinished int
	failures                                                  []error
}

// Sweep looks at every group once, and continues after a group that fails. Its
// metrics are written even then, except when the list of groups could not be read:
// part of a list would report too few unencrypted groups.
func (s *Sweeper) Sweep(ctx context.Context) error {
	groups, err := s.list(ctx)
	if err != nil {
		return err
	}
	keyErr := s.Key.Usable(ctx)
	var t tally
	for _, g := range groups {
		s.one(ctx, g, keyErr == nil, &t)
	}
	s.Log.InfoContext(ctx, "swept", "groups", t.seen, "encrypted", t.encrypted, "retained", t.retained,
		"otherKey", t.other, "unencrypted", t.unencrypted, "unfinished", t.unfinished)
	if err := s.count(t); err != nil {
		return errors.Join(keyErr, err)
	}
	if keyErr != nil {
		return fmt.Errorf("sweep: the log key: %w", keyErr)
	}
	if n := len(t.failures); n > 0 {
		return fmt.Errorf("sweep: %d log groups failed: %w", n, errors.Join(t.failures[:min(n, maxNamed)]...))
	}
	return nil
}

func (s *Sweeper) list(ctx context.Context) ([]Group, error) {
	var out []Group
	for _, root := range s.Prefixes.Roots() {
		err := s.Groups.List(ctx, root, func(g Group) bool {
			if s.Prefixes.Covers(g.Name) {
				out = append(out, g)
			}
			return true
		})
		if err != nil {
			return nil, fmt.Errorf("sweep: groups with prefix %s: %w", root, err)
		}
	}
	return out, nil
}

// one handles a group. Without a usable key, or without time, it only counts it.
func (s *Sweeper) one(ctx context.Context, g Group, usable bool, t *tally) {
	t.seen++
	var r Result
	var err error
	switch deadline, limited := ctx.Deadline(); {
	case limited && s.Now().Add(spare).After(deadline):
		t.unfinished++
	case usable || g.KeyARN != "":
		r, err = s.Keeper.Keep(ctx, g, s.Retention)
	}
	if err != nil {
		s.Log.ErrorContext(ctx, "log group not encrypted or without its retention", "logGroup", g.Name, "error", err.Error())
		t.failures = append(t.failures, fmt.Errorf("%s: %w", g.Name, err))
	}
	if r.Encrypted {
		s.Log.InfoContext(ctx, "encrypted", "logGroup", g.Name)
		t.encrypted++
	}
	if r.Retained {
		t.retained++
	}
	if r.Other {
		t.other++
	}
	if !r.Protected(g) {
		t.unencrypted++
	}
}

func (s *Sweeper) count(t tally) error {
	batch := emf.New(s.Environment)
	for name, n := range map[string]int{
		"LogGroupsSeen": t.seen, "LogGroupsEncrypted": t.encrypted, "LogGroupsOtherKey": t.other, "LogGroupsUnencrypted": t.unencrypted,
	} {
		batch.Add(name, emf.Count, float64(n))
	}
	if err := batch.Flush(s.Out, s.Now()); err != nil {
		return fmt.Errorf("metrics.Flush: %w", err)
	}
	return nil
}

// Describer is what KMSKey needs of KMS.
type Describer interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// KMSKey asks KMS. While a key is disabled or waits for its deletion, CloudWatch
// Logs neither accepts nor shows lines, so this has an alarm of its own.
type KMSKey struct {
	KMS Describer
	ARN string
}

// Usable returns nil for an enabled, symmetric key.
func (k *KMSKey) Usable(ctx context.Context) error {
	out, err := k.KMS.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &k.ARN})
	if err != nil {
		return fmt.Errorf("kms.DescribeKey: %w", reason.Safe(err))
	}
	key := out.KeyMetadata
	if key.KeyState != types.KeyStateEnabled {
		return fmt.Errorf("its state is %s; enable it, or cancel its deletion, before logs are lost", key.KeyState)
	}
	if key.KeySpec != types.KeySpecSymmetricDefault {
		return fmt.Errorf("its key spec is %s; CloudWatch Logs takes symmetric keys only", key.KeySpec)
	}
	return nil
}

// Created encrypts a log group when CloudTrail reports its creation. It takes the
// detail of one event. The group's key and retention are read
// from CloudWatch Logs and not from the record, which is minutes old: its owner may
// have changed the group since.
func (s *Sweeper) Created(ctx context.Context, detail json.RawMessage) error {
	name, ok := groupName(detail)
	if !ok || !s.Prefixes.Covers(name) {
		return nil
	}
	g, found, err := s.Groups.Find(ctx, name)
	if err != nil {
		return fmt.Errorf("created: %w", err)
	}
	if !found {
		s.Log.InfoContext(ctx, "log group no longer exists", "logGroup", name)
		return nil
	}
	r, err := s.Keeper.Keep(ctx, g, s.Retention)
	if r.Encrypted {
		s.Log.InfoContext(ctx, "encrypted", "logGroup", name)
		batch := emf.New(s.Environment)
		batch.Add("LogGroupsEncrypted", emf.Count, 1)
		if err := batch.Flush(s.Out, s.Now()); err != nil {
			s.Log.WarnContext(ctx, "metric not written", "error", err.Error())
		}
	}
	if r.Other {
		s.Log.WarnContext(ctx, "log group has another key, which is left in place", "logGroup", name)
	}
	if err != nil {
		return fmt.Errorf("created: %s: %w", name, err)
	}
	return nil
}

// record is the part of a CloudTrail record that is read. The parameters may be a
// string, null or missing instead of an object, so they are decoded separately.
type record struct {
	EventName  string          `json:"eventName"`
	ErrorCode  string          `json:"errorCode"`
	Parameters json.RawMessage `json:"requestParameters"`
}

// groupName is the name of the group that a successful CreateLogGroup created.
func groupName(detail json.RawMessage) (string, bool) {
	var r record
	if json.Unmarshal(detail, &r) != nil || r.EventName != "CreateLogGroup" || r.ErrorCode != "" {
		return "", false
	}
	var p struct {
		Name string `json:"logGroupName"`
	}
	if json.Unmarshal(r.Parameters, &p) != nil {
		return "", false
	}
	return p.Name, p.Name != ""
}
