package events

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
)

// Outbox is what Recoverer needs of SQS. The topic's policy allows only the triggers
// and the drain to publish, so an operator sends to the outbox.
type Outbox interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Metrics is what Recoverer needs of CloudWatch.
type Metrics interface {
	PutMetricData(context.Context, *cloudwatch.PutMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

// Recoverer is `gatehouse events recover`. Its fields are set once, before the first use.
type Recoverer struct {
	Environment string
	Logs        Logs
	Outbox      Outbox
	OutboxURL   string
	Ledger      *Ledger
	Metrics     Metrics
	// Out is what the operator reads.
	Out io.Writer
	Now func() time.Time
}

// RecoverOptions are the flags of `gatehouse events recover`.
type RecoverOptions struct {
	// Since is how far to look back; zero is as long as the logs are kept.
	Since time.Duration
	// DryRun only says what would be sent.
	DryRun bool
	// Again also sends what the ledger says was sent or has arrived.
	Again bool
	// IgnoreUnreadable treats lines without a valid event as done.
	IgnoreUnreadable bool
}

const (
	// settled is how old the newest line must be before the alarm is closed: a newer one may
	// not be found yet, and its metric is in the same minute.
	settled = 2 * time.Minute
	// quick is how long reading the logs may take. If it takes longer, the lines written in the meantime are read too.
	quick = 30 * time.Second
)

// recovery is one run of the command.
type recovery struct {
	*Recoverer
	o RecoverOptions
	// known are the events found so far, by source and id: CloudEvents promises that
	// together they are unique.
	known                           map[string]bool
	sent, before, there, unreadable int
	newest                          time.Time
}

// Recover sends every event that is only in a log line to the outbox, each once, and notes
// it in the ledger, so that the next run knows. When nothing is left, it closes the alarm.
func (r *Recoverer) Recover(ctx context.Context, o RecoverOptions) error {
	run := &recovery{Recoverer: r, o: o, known: map[string]bool{}}
	start := r.Now()
	from := time.Time{}
	if o.Since > 0 {
		from = start.Add(-o.Since)
	}
	for {
		if err := eachLine(ctx, r.Logs, r.prefix(), publish.UndeliveredKey, from, func(l line) error { return run.line(ctx, l) }); err != nil {
			return fmt.Errorf("after %d sent events: %w", run.sent, err)
		}
		if o.DryRun || r.Now().Sub(start) <= quick {
			break
		}
		from, start = start.Add(-settled), r.Now()
	}
	return run.finish(ctx, start)
}

func (r *Recoverer) prefix() string { return "/gatehouse/" + r.Environment + "/" }

// line handles one line of a log.
func (r *recovery) line(ctx context.Context, l line) error {
	kept, ok := readKept(l.text)
	if !ok {
		return nil
	}
	ev, err := contracts.Decode(kept.body)
	if err != nil {
		if key := fmt.Sprint(l.group, l.at, len(l.text)); !r.known[key] {
			r.known[key] = true
			fmt.Fprintf(r.Out, "unreadable: a line of %d bytes of %s in %s\n", len(l.text), l.at.Format(time.RFC3339), l.group)
			r.unreadable++
			r.met(l)
		}
		return nil
	}
	if key := ev.Source() + "#" + ev.ID(); !r.known[key] {
		r.known[key] = true
		r.met(l)
		return r.event(ctx, l, kept, ev)
	}
	return nil
}

func (r *recovery) met(l line) {
	if l.at.After(r.newest) {
		r.newest = l.at
	}
}

// event sends an event that has not arrived and was not sent before.
func (r *recovery) event(ctx context.Context, l line, kept keptEvent, ev event.Event) error {
	arrived, sent := false, false
	if !r.o.Again {
		var err error
		if sent, err = r.Ledger.wasSent(ctx, ev); err == nil && !sent {
			arrived, err = r.Ledger.arrived(ctx, ev)
		}
		if err != nil {
			return fmt.Errorf("the ledger does not say what has arrived; --again sends without asking it: %w", err)
		}
	}
	state := "sent"
	switch {
	case sent:
		r.before++
		state = "was sent"
	case arrived:
		r.there++
		state = "has arrived"
		// The metrics forget after a month, and the line may be kept for longer.
		if !r.o.DryRun {
			if err := r.Ledger.mark(ctx, ev); err != nil {
				return err
			}
		}
	case r.o.DryRun:
		r.sent++
		state = "would send"
	default:
		if err := send(ctx, r.Outbox, r.OutboxURL, kept.body, contracts.TraceHeader(ev)); err != nil {
			return err
		}
		r.sent++
		if err := r.Ledger.mark(ctx, ev); err != nil && !r.o.Again {
			return fmt.Errorf("%s was sent, but the ledger has no note of it: %w", ev.ID(), err)
		}
	}
	if r.o.DryRun || state == "sent" {
		fmt.Fprintf(r.Out, "%s: %q %q\n  logged %s in %s\n  topic %q, outbox %q\n",
			state, ev.Type(), ev.ID(), l.at.Format(time.RFC3339), l.group, kept.topicErr, kept.outboxErr)
	}
	return nil
}

// send puts an event into the outbox: of a log line the bytes unchanged. The drain's run is
// linked to the trace of the run that wrote the line.
func send(ctx context.Context, outbox Outbox, url string, body []byte, trace string) error {
	_, err := outbox.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: aws.String(string(body)), MessageSystemAttributes: inTrace(trace),
	})
	if err != nil {
		return fmt.Errorf("sqs.SendMessage: %w", err)
	}
	return nil
}

// finish says what was done, and closes the alarm if nothing can be left.
func (r *recovery) finish(ctx context.Context, start time.Time) error {
	verb, window := "sent", "as long as they are kept"
	if r.o.DryRun {
		verb = "would send"
	}
	if r.o.Since > 0 {
		window = "of the last " + r.o.Since.String()
	}
	fmt.Fprintf(r.Out, "%s %d events from the log groups %s* to the outbox; %d were sent before, and %d have arrived; lines %s\n",
		verb, r.sent, r.prefix(), r.before, r.there, window)
	if r.unreadable > 0 && !r.o.IgnoreUnreadable {
		return fmt.Errorf("%d log lines have no valid event; read them by hand, and close the alarm with --ignore-unreadable", r.unreadable)
	}
	switch {
	case r.o.DryRun:
		return nil
	case r.o.Since > 0:
		fmt.Fprintln(r.Out, "the alarm …-events-undelivered stays as it is, because older lines were not read; leave out --since to close it")
		return nil
	case start.Sub(r.newest) < settled:
		fmt.Fprintf(r.Out, "the alarm …-events-undelivered stays as it is, because the newest line is only %s old; run this again in two minutes to close it\n",
			start.Sub(r.newest).Truncate(time.Second))
		return nil
	}
	return r.close(ctx, start)
}

// close ends the alarm, whose state is kept until the next value. The value is that of the
// moment when the logs were read: an event after it makes the alarm fire again.
func (r *recovery) close(ctx context.Context, at time.Time) error {
	_, err := r.Metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: aws.String(emf.Namespace),
		MetricData: []types.MetricDatum{{
			MetricName: aws.String(publish.MetricUndelivered), Timestamp: &at, Unit: types.StandardUnitCount, Value: aws.Float64(0),
			Dimensions: []types.Dimension{{Name: aws.String("Environment"), Value: &r.Environment}},
		}},
	})
	if err != nil {
		return errors.Join(errors.New("the alarm …-events-undelivered is not closed"), fmt.Errorf("cloudwatch.PutMetricData: %w", err))
	}
	fmt.Fprintln(r.Out, "nothing is left; the alarm …-events-undelivered ends within two minutes")
	return nil
}
