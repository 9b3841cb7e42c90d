package simulation

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"gatehouse.example/contracts"
)

// topic is SNS as one caller sees it.
type topic struct {
	*universe
	op string
}

// Publish accepts a message for all subscribers, or for none.
func (t topic) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	inv := invocationOf(ctx)
	inv.live()
	c := t.copyOf(*in.Message, inv)
	t.checkType(c, in.MessageAttributes)
	t.checkPause(inv)
	err := t.do(ctx, request{
		service: serviceTopic, op: t.op, event: c,
		apply:    func() error { t.accept(c); return nil },
		answered: func() { t.acknowledge(c) },
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		inv.failed = t.now()
		return nil, err
	}
	inv.succeeded = true
	return &sns.PublishOutput{MessageId: aws.String("sns")}, nil
}

// PublishBatch accepts messages, or some of them. What goes wrong with one of them goes wrong
// with the request, except that a message can be refused alone. An outage refuses the request
// or each of its messages
// (https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html).
func (t topic) PublishBatch(ctx context.Context, in *sns.PublishBatchInput, _ ...func(*sns.Options)) (*sns.PublishBatchOutput, error) {
	inv := invocationOf(ctx)
	inv.live()
	if len(in.PublishBatchRequestEntries) > 10 {
		return nil, &types.TooManyEntriesInBatchRequestException{}
	}
	out := &sns.PublishBatchOutput{}
	var planned fault
	var first *copied
	var accepted []*copied
	most, service := 0, serviceTopic
	for _, e := range in.PublishBatchRequestEntries {
		c := t.copyOf(*e.Message, inv)
		t.checkType(c, e.MessageAttributes)
		n, f := t.next(t.op, c.name)
		if first == nil {
			first = c
			if t.outage(serviceTopic) == refuse && t.random(n, "each", c.name)%2 == 0 {
				service = "" // has no outage of its own
			}
		}
		most = max(most, n)
		if f.mode == refuse || service == "" {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError")})
			continue
		}
		accepted = append(accepted, c)
		out.Successful = append(out.Successful, types.PublishBatchResultEntry{Id: e.Id, MessageId: aws.String("sns")})
		if f.mode > planned.mode {
			planned = f
		}
	}
	each := func(do func(*copied)) {
		for _, c := range accepted {
			do(c)
		}
	}
	err := t.send(ctx, request{
		service: service, op: t.op, event: first,
		apply:    func() error { each(t.accept); return nil },
		answered: func() { each(t.acknowledge) },
	}, most, planned)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkType: a subscription's filter sees what an event is.
func (u *universe) checkType(c *copied, attributes map[string]types.MessageAttributeValue) {
	if got := aws.ToString(attributes["type"].StringValue); got != c.typ {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.violate("attributes repeat the type", "the event %q has the attribute %q", c.name, got)
	}
}

// accept is what SNS does with a message: it delivers it to every queue, at least once
// and in any order. It goes on trying for 23 days
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html).
func (u *universe) accept(c *copied) {
	u.mu.Lock()
	c.entered = true
	u.mu.Unlock()
	to := []string{metrics, recorder, bridge}
	if c.poison || c.typ == contracts.TypeAttributesChanged { // the filter policy; what is not an event has the attributes of one
		to = append(to, addressChanged)
	}
	for _, to := range to {
		n, f := u.next(opDeliver+to, c.name)
		first := between(u.random(n, "SNS", to, c.name), 5*time.Millisecond, 100*time.Millisecond)
		switch f.mode {
		case double:
			u.deliver(first+time.Millisecond+f.wait, to, c)
		case delay:
			first += f.wait
		}
		u.deliver(first, to, c)
	}
}

func (u *universe) deliver(in time.Duration, to string, c *copied) {
	u.mu.Lock()
	u.underway++
	u.mu.Unlock()
	u.note("SNS delivers %q to %s in %s", c.name, to, in)
	time.AfterFunc(in, func() {
		u.queues[to].send(c)
		u.mu.Lock()
		u.underway--
		u.mu.Unlock()
	})
}

func (u *universe) acknowledge(c *copied) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c.acknowledged = true
}

// queue is a standard queue of SQS with the event source mapping of its function. A
// message is delivered at least once and in any order, is hidden while it is handled,
// and moves to the dead-letter queue when it was received too often
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html,
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html,
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html).
type queue struct {
	*universe
	setting
	name string
	// function reads the queue; a dead-letter queue has none.
	function    string
	dead        *queue
	messages    map[string]*message
	sent, polls int
	underway    int
}

type message struct {
	id       string
	event    *copied
	receives int
	// visible and expires are times of the universe.
	visible, expires time.Duration
}

func (q *queue) send(c *copied) {
	q.mu.Lock()
	c.entered = true
	q.sent++
	sent := q.sent
	id := fmt.Sprintf("%s-%d", q.name, q.sent)
	q.messages[id] = &message{id: id, event: c, visible: q.now(), expires: q.now() + q.retention}
	q.checkDeadLetter(c)
	q.mu.Unlock()
	if q.function != "" {
		q.poll(between(q.random(sent, "sent", id), time.Millisecond, time.Second))
	}
}

// take receives up to most of the visible messages, in any order, and hides them. It
// reports whether there are more.
func (q *queue) take(most int, hide time.Duration) (batch []*message, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.polls++
	ids := slices.SortedFunc(maps.Keys(q.messages), func(a, b string) int {
		return cmp.Compare(q.random(q.polls, a), q.random(q.polls, b))
	})
	for _, id := range ids {
		m := q.messages[id]
		switch now := q.now(); {
		case m.expires <= now:
			delete(q.messages, id)
		case m.visible > now:
		case len(batch) == most:
			more = true
		case q.dead != nil && m.receives == q.maxReceive:
			delete(q.messages, id)
			q.dead.messages[id] = m // with the time when it was sent, and when it expires
			q.dead.checkDeadLetter(m.event)
		default:
			m.receives++
			m.visible = now + hide
			batch = append(batch, m)
		}
	}
	return batch, more
}

// poll receives later.
func (q *queue) poll(in time.Duration) { time.AfterFunc(in, q.receive) }

// receive gives the function a batch of the visible messages, but not always all.
func (q *queue) receive() {
	q.mu.Lock()
	busy, polls := q.underway >= q.concurrency, q.polls
	q.mu.Unlock()
	if busy {
		return
	}
	batch, more := q.take(1+int(q.random(polls, q.function)%uint64(q.batch)), q.visibility)
	if more {
		q.poll(between(q.random(polls, "more", q.function), time.Millisecond, 50*time.Millisecond))
	}
	if len(batch) > 0 {
		q.mu.Lock()
		q.underway++
		q.mu.Unlock()
		q.poll(q.visibility + between(q.random(polls, "again", q.function), time.Nanosecond, time.Second))
		q.invokeWith(batch)
	}
}

// invokeWith is what Lambda does with a batch: what the function does not report as
// failed is deleted, and if the function fails, nothing is
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
func (q *queue) invokeWith(batch []*message) {
	planned := q.outage(serviceLambda)
	var in events.SQSEvent
	for _, m := range batch {
		if n, f := q.next(opReceive+q.function, m.event.name); f.mode == double {
			again := between(q.random(n, "twice", m.id), time.Millisecond, time.Second)
			q.mu.Lock()
			m.visible = q.now() + again
			q.mu.Unlock()
			q.poll(again)
		}
		if _, f := q.next(opInvoke+q.function, m.event.name); f.mode != "" {
			planned = f.mode
		}
		in.Records = append(in.Records, events.SQSMessage{
			MessageId: m.id, Body: m.event.body, ReceiptHandle: m.id, EventSource: "aws:sqs",
			Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.receives)},
		})
	}
	q.note("%s gets a batch of %d, first %q: %s", q.function, len(batch), batch[0].event.name, cmp.Or(planned, "is invoked"))
	var out events.SQSEventResponse
	var err error
	finished := false
	if planned != refuse {
		_, finished = q.invoke(q.function, nil, func(ctx context.Context, inst *instance) {
			if planned == crashBefore {
				inst.current.crash()
			}
			out, err = inst.consumer(ctx, in)
			if planned == crashAfter {
				inst.current.crash()
			}
		})
	}
	if finished && err == nil {
		q.delete(batch, out)
	}
	q.mu.Lock()
	q.underway--
	polls := q.polls
	q.mu.Unlock()
	q.poll(between(q.random(polls, "next", q.function), time.Millisecond, 50*time.Millisecond))
}

func (q *queue) delete(batch []*message, out events.SQSEventResponse) {
	failed := map[string]bool{}
	for _, f := range out.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	for _, m := range batch {
		if failed[m.id] {
			continue
		}
		if _, f := q.next(opDelete+q.function, m.event.name); f.mode == lose {
			continue
		}
		q.mu.Lock()
		delete(q.messages, m.id)
		q.mu.Unlock()
	}
}
