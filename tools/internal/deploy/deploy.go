// Package deploy deploys stacks to the emulator with the real SAM CLI. It skips a
// stack whose inputs did not change, builds the next stacks during a deployment,
// and deploys stacks at the same time if they do not read from each other.
//
// Watcher deploys every Go edit within seconds: it finds the functions that a changed
// file is compiled into, builds them with the same flags as SAM and updates their
// code without CloudFormation. It marks the stack as drifted, so that the next
// deployment deploys it completely.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// builders is how many stacks are built at a time. Each build itself compiles in
// parallel.
const builders = 2

// Deployer deploys into one emulator.
type Deployer struct {
	Layout supervisor.Layout
	// Instance identifies the run of the emulator.
	Instance string
	Board    *terminal.Board
	cli      sam.CLI
	cf       *cloudformation.Client
}

// New makes a Deployer, and the bucket for the functions' code.
func New(ctx context.Context, l supervisor.Layout, instance string, board *terminal.Board) (*Deployer, error) {
	d := &Deployer{
		Layout: l, Instance: instance, Board: board,
		cli: sam.CLI{
			Workspace: l.Workspace, Block: sam.LocalBlock, Bucket: "gatehouse-" + l.Environment + "-artifacts", Access: l.Access(),
		},
		cf: cloudformation.NewFromConfig(l.Config()),
	}
	d.cli.Settle = func(ctx context.Context, stack string) error {
		_, err := cfn.Settle(ctx, d.cf, stack)
		return err
	}
	client := s3.NewFromConfig(l.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	var exists *s3types.BucketAlreadyOwnedByYou
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &d.cli.Bucket}); err != nil && !errors.As(err, &exists) {
		return nil, fmt.Errorf("s3.CreateBucket: %w", err)
	}
	if err := verifySender(ctx, l.Config()); err != nil {
		return nil, err
	}
	if err := d.cli.Prepare(time.Now()); err != nil {
		return nil, fmt.Errorf("sam.CLI.Prepare: %w", err)
	}
	return d, os.MkdirAll(l.LogDir(), 0o750)
}

// sender is the domain that the local system sends mails from; samconfig.toml of messages
// names it, with its region.
const sender = "gatehouse.example"

// verifySender makes the identity of the sender. The emulator takes each as verified.
func verifySender(ctx context.Context, cfg aws.Config) error {
	client := sesv2.NewFromConfig(cfg, func(o *sesv2.Options) { o.Region = stacks.DefaultRegion })
	var exists *sestypes.AlreadyExistsException
	if _, err := client.CreateEmailIdentity(ctx, &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String(sender)}); err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("sesv2.CreateEmailIdentity: %w", err)
	}
	return nil
}

type job struct {
	stack       stacks.Stack
	needs       []*job
	task        *terminal.Task
	cfg         sam.Config
	name        string // of the CloudFormation stack
	fingerprint string
	drifted     bool
	done        chan struct{}
	err         error
}

// Run deploys the stacks in the order of the graph.
func (d *Deployer) Run(ctx context.Context, selected []stacks.Stack, graph stacks.Graph) error {
	if err := d.ownNames(ctx); err != nil {
		return err
	}
	jobs := order(selected, graph)
	building := make(chan struct{}, builders)
	var all sync.WaitGroup
	for _, j := range jobs {
		building <- struct{}{}
		all.Go(func() {
			defer close(j.done)
			changed := d.build(ctx, j)
			<-building
			if changed && j.err == nil {
				j.err = d.deploy(ctx, j)
			}
		})
	}
	all.Wait()
	return d.report(ctx, jobs)
}

func (d *Deployer) report(ctx context.Context, jobs []*job) error {
	var failed []string
	var errs []error
	for _, j := range jobs {
		if j.err != nil {
			failed = append(failed, j.stack.Name)
			errs = append(errs, j.err)
		}
	}
	if len(errs) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("not deployed: %s\n%w", strings.Join(failed, ", "), errors.Join(errs...))
}

func order(selected []stacks.Stack, graph stacks.Graph) []*job {
	var jobs []*job
	byName := map[string]*job{}
	for _, s := range selected {
		if byName[s.Name] == nil {
			byName[s.Name] = &job{stack: s, done: make(chan struct{})}
			jobs = append(jobs, byName[s.Name])
		}
	}
	levels, _ := graph.Levels() // NewGraph refuses cycles
	names := slices.Concat(levels...)
	for _, s := range selected { // outside the graph, such as an example
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	slices.SortFunc(jobs, func(a, b *job) int { return slices.Index(names, a.stack.Name) - slices.Index(names, b.stack.Name) })
	for _, j := range jobs {
		for _, need := range graph[j.stack.Name] {
			if n := byName[need]; n != nil {
				j.needs = append(j.needs, n)
			}
		}
	}
	return jobs
}

// build reports whether the stack has to be deployed.
func (d *Deployer) build(ctx context.Context, j *job) bool {
	j.task = d.Board.Start(j.stack.Name, "comparing")
	changed, err := d.compare(ctx, j)
	if err == nil && !changed {
		j.task.Done("unchanged")
		return false
	}
	if err == nil && len(j.stack.Functions) > 0 && !d.Layout.Built(j.stack.Name, j.fingerprint) {
		j.task.Step("building")
		err = d.compile(ctx, j)
	}
	if err != nil {
		j.err = d.fail(ctx, j, "build failed", err)
	}
	return true
}

func (d *Deployer) compare(ctx context.Context, j *job) (changed bool, err error) {
	if j.cfg, j.name, err = Settings(d.Layout, j.stack); err != nil {
		return false, err
	}
	j.fingerprint, err = Fingerprint(ctx, d.Layout, j.stack)
	if err != nil {
		return false, err
	}
	record, err := ReadRecord(d.Layout, j.stack.Name)
	if err != nil || record.Instance != d.Instance {
		return true, err
	}
	if j.drifted = record.Drifted; j.drifted || record.Fingerprint != j.fingerprint {
		return true, nil
	}
	status, err := cfn.Status(ctx, d.cf, j.name)
	return status != types.StackStatusCreateComplete && status != types.StackStatusUpdateComplete, err
}

func (d *Deployer) compile(ctx context.Context, j *job) error {
	log, err := os.Create(d.Layout.Log("build-" + j.stack.Name))
	if err != nil {
		return fmt.Errorf("os.Create: %w", err)
	}
	defer func() { _ = log.Close() }()
	if err := d.cli.Build(ctx, j.stack, j.cfg.Parameters, log); err != nil {
		return fmt.Errorf("%w\n%s", err, sam.LogEnd(log.Name()))
	}
	// SAM builds for Linux, and the emulator runs functions on this machine.
	if runtime.GOOS != "linux" {
		for _, f := range j.stack.Functions {
			if err := sam.Compile(ctx, j.stack, f, filepath.Join(d.Layout.BuildDir(j.stack.Name), f.LogicalID, "bootstrap"), log); err != nil {
				return err
			}
		}
	}
	return d.Layout.MarkBuilt(j.stack.Name, j.fingerprint)
}

func (d *Deployer) deploy(ctx context.Context, j *job) error {
	for _, need := range j.needs {
		select {
		case <-need.done:
		default:
			j.task.Step("waiting for " + need.stack.Name)
			<-need.done
		}
		if need.err != nil {
			j.task.Fail("skipped, because " + need.stack.Name + " failed")
			return fmt.Errorf("%s: needs %s", j.stack.Name, need.stack.Name)
		}
	}
	j.task.Step("deploying")
	last := cfn.LastEvent(ctx, d.cf, j.name)
	if err := d.push(ctx, j); err != nil {
		if reasons := cfn.Failures(context.WithoutCancel(ctx), d.cf, j.name, last); len(reasons) > 0 {
			err = fmt.Errorf("%w\n  Reasons from CloudFormation, the first failure first:\n    %s", err, strings.Join(reasons, "\n    "))
		}
		return d.fail(ctx, j, "failed", err)
	}
	j.task.Done("deployed")
	return nil
}

func (d *Deployer) push(ctx context.Context, j *job) error {
	if err := prepare(ctx, d.cf, j.name); err != nil {
		return err
	}
	log, err := os.Create(d.Layout.Log("deploy-" + j.stack.Name))
	if err != nil {
		return fmt.Errorf("os.Create: %w", err)
	}
	defer func() { _ = log.Close() }()
	what := sam.Deployment{Stack: j.stack, Config: j.cfg, Name: j.name}
	if j.drifted {
		what.Prefix = "repair-" + strconv.FormatInt(time.Now().Unix(), 36)
	}
	if err := d.cli.Deploy(ctx, what, log); err != nil {
		return fmt.Errorf("%w\n%s", err, sam.LogEnd(log.Name()))
	}
	r := Record{Instance: d.Instance, Fingerprint: j.fingerprint, Deployed: time.Now().UTC()}
	return r.write(d.Layout, j.stack.Name)
}

func (d *Deployer) fail(ctx context.Context, j *job, text string, err error) error {
	if ctx.Err() != nil {
		text = "interrupted"
	}
	j.task.Fail(text)
	return fmt.Errorf("%s: %w", j.stack.Name, err)
}

// settleTimeout is enough for an interrupted deployment to end.
const settleTimeout = 2 * time.Minute

// prepare brings a stack into a state from which it can be deployed: it waits
// for an operation in progress, and deletes a stack that CloudFormation cannot
// update because its creation failed.
func prepare(ctx context.Context, cf *cloudformation.Client, name string) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	status, err := cfn.Settle(ctx, cf, name)
	if err != nil {
		return err
	}
	switch status {
	case types.StackStatusRollbackComplete, types.StackStatusRollbackFailed, types.StackStatusCreateFailed, types.StackStatusDeleteFailed:
		return cfn.DeleteStack(ctx, cf, name)
	}
	return nil
}
