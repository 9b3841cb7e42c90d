package events

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
)

// scanner is what scan needs of SQS.
type scanner interface {
	receiver
	counter
}

// lookTimeout is how long a command that only looks waits for messages that a queue counts
// and does not return.
const lookTimeout = 5 * time.Second

// scan calls f once with each message of a queue, until f has seen enough, and then makes
// all of them visible again. It waits for messages that another reader holds, and returns
// how many the queue still counts.
func scan(ctx context.Context, client scanner, url string, wait time.Duration, f func(types.Message) (enough bool, err error)) (left int, err error) {
	q, seen := deadLetterQueue{url: url}, map[string]types.Message{}
	defer func() { release(context.WithoutCancel(ctx), client, q, slices.Collect(maps.Values(seen))) }()
	last := time.Now()
	for {
		batch, err := receive(ctx, client, q, 0)
		if err != nil {
			return 0, err
		}
		var news []types.Message
		for _, m := range batch {
			if _, known := seen[aws.ToString(m.MessageId)]; !known {
				news = append(news, m)
			}
			seen[aws.ToString(m.MessageId)] = m
		}
		for _, m := range news {
			if enough, err := f(m); enough || err != nil {
				return 0, err
			}
		}
		if len(news) > 0 {
			last = time.Now()
			continue
		}
		count, err := countMessages(ctx, client, url)
		if err != nil {
			return 0, err
		}
		if left = count - len(seen); left <= 0 || time.Since(last) > wait {
			return max(left, 0), nil
		}
	}
}

// isMessage reports whether a message has an id, SQS's or that of the event or record in it.
func isMessage(m types.Message, id string) bool {
	if aws.ToString(m.MessageId) == id {
		return true
	}
	body := []byte(aws.ToString(m.Body))
	if ev, err := contracts.Decode(body); err == nil {
		return ev.ID() == id
	}
	r, err := cloudtrail.Parse(body)
	return err == nil && r.ID == id
}
