package canary

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse.example/tools/actors"
)

const (
	// sweepLimit bounds the deletion of what others left.
	sweepLimit = 15 * time.Second
	// sweepRuns is how many crashed runs one run cleans up after.
	sweepRuns = 10
)

// sweep deletes what canaries left that crashed. A run makes its queue first and deletes
// it last, and the queue's name has the secret in the user's address, so each queue leads
// to one user. The pool is not searched: strangers may sign up any number of users with
// similar addresses. What cannot be deleted is left for a later run, and is not a failure.
func (c *canary) sweep(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, sweepLimit)
	defer cancel()
	crashed, err := actors.Leftovers(ctx, c.aws.queues, c.aws.topics, c.names.topic, actors.QueuePrefix(c.names.environment), c.started)
	if len(crashed) == 0 {
		return left("none", err)
	}
	deleted := 0
	for _, one := range crashed[:min(sweepRuns, len(crashed))] {
		gone := c.remove(ctx, one)
		if err = errors.Join(err, gone); gone == nil {
			deleted++
		}
	}
	return left(fmt.Sprintf("deleted those of %d of %d canaries that crashed", deleted, len(crashed)), err)
}

// remove deletes the queue last: as long as it is there, a later run finds the rest.
func (c *canary) remove(ctx context.Context, l actors.Leftover) error {
	user := actors.Person{Pool: c.aws.pool, PoolID: c.names.pool, Email: actors.SyntheticAddress(l.ID)}
	if err := user.Delete(ctx); err != nil {
		return err
	}
	return (&actors.Inbox{Queues: c.aws.queues, Topics: c.aws.topics, URL: l.URL, Subscription: l.Subscription}).Close(ctx)
}

// left reports what could not be deleted as a remark and not as a failure, because the environment is not at fault.
func left(detail string, err error) (string, error) {
	if err != nil {
		detail += "; left for a later run: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return strings.TrimPrefix(detail, "; "), nil
}

// cleanUp deletes everything that this run may have made, also after a failure, a
// timeout or an interruption.
func (c *canary) cleanUp(ctx context.Context) {
	interrupted := errors.Is(ctx.Err(), context.Canceled)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
	defer cancel()
	var stays error
	c.report.step(ctx, "user deleted", func(ctx context.Context) (string, error) {
		stays = c.person.Delete(ctx)
		for _, a := range c.refused {
			stays = errors.Join(stays, a.person.Delete(ctx))
		}
		return left("", stays)
	})
	c.report.step(ctx, "queue deleted", func(ctx context.Context) (string, error) {
		if stays != nil {
			c.inbox.URL = "" // a later run finds the user by the queue
		}
		return left("and its subscription", c.inbox.Close(ctx))
	})
	if !interrupted {
		c.report.step(ctx, "leftovers", c.sweep)
	}
}
