// Package trace is `gatehouse trace`: it shows X-Ray's trace of a call, from the
// API gateway to the last call of the SDK, and the traces that it is linked to. It reads
// the local system's traces as it reads those of AWS.
package trace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
)

// Command is `gatehouse trace`.
func Command() *cobra.Command {
	cmd := &cobra.Command{Use: "trace", Short: "Show traces of calls", Args: cobra.NoArgs}
	cmd.AddCommand(showCommand(), listCommand())
	return cmd
}

func showCommand() *cobra.Command {
	var asJSON bool
	var links int
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one trace as a tree",
		Long: `Shows one trace as a tree: when each part began and how long it took, its status,
its annotations and its errors. The API's answers carry their trace's id.

ID is an X-Ray id, the value of an X-Amzn-Trace-Id header, or a W3C traceparent, as
Gatehouse's events carry it. The trace may be seconds old: the command waits until it is
complete.

A trace ends at a queue: each run of a function for a batch of messages is a trace of its
own, with a link to each trace that sent a message. The runs that handled what this trace
sent are shown after it, if X-Ray has them.

The local system keeps traces until it is stopped. On AWS, X-Ray keeps them for 30 days;
where Transaction Search is switched on, this command finds none.`,
		Example: `  gatehouse trace show 1-6921f8c0-1f0e2d3c4b5a69788796a5b4
  gatehouse trace show "$(curl -si "$API_URL/guest" | grep -i ^x-amzn-trace-id)"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := ID(args[0])
			if err != nil {
				return err
			}
			if wait < 0 || links < 0 {
				return errors.New("--wait and --links must not be negative")
			}
			client, err := connect(cmd.Context())
			if err != nil {
				return err
			}
			t, err := reader{client: client, wait: wait, pause: pollPause, links: links}.tree(cmd.Context(), id)
			if err != nil {
				return actors.Hint(err)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), t)
			}
			return printTree(cmd.OutOrStdout(), t)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	cmd.Flags().IntVar(&links, "links", defaultLinks, "how many linked traces at most")
	cmd.Flags().DurationVar(&wait, "wait", 10*time.Second, "how long to wait for a trace that is missing or incomplete")
	return cmd
}

// defaultLinks is how many linked traces are shown.
const defaultLinks = 20

// Show waits for the trace of that X-Ray id and draws its tree.
func Show(ctx context.Context, out io.Writer, client *xray.Client, id string, wait time.Duration) error {
	t, err := reader{client: client, wait: wait, pause: pollPause, links: defaultLinks}.tree(ctx, id)
	if err != nil {
		return actors.Hint(err)
	}
	return printTree(out, t)
}

func listCommand() *cobra.Command {
	var since time.Duration
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the newest traces",
		Example: "  gatehouse trace list --since 1h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since <= 0 || limit < 1 {
				return errors.New("--since and --limit must be greater than zero")
			}
			client, err := connect(cmd.Context())
			if err != nil {
				return err
			}
			now := time.Now()
			found, err := summaries(cmd.Context(), client, now.Add(-since), now)
			if err != nil {
				return actors.Hint(err)
			}
			return printList(cmd.OutOrStdout(), found, limit)
		},
	}
	cmd.Flags().DurationVar(&since, "since", 10*time.Minute, "how far to look back")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many traces at most")
	return cmd
}

func connect(ctx context.Context) (*xray.Client, error) {
	cfg, err := actors.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return xray.NewFromConfig(cfg), nil
}

var (
	xrayID = regexp.MustCompile(`^1-[0-9a-f]{8}-[0-9a-f]{24}$`)
	// traceparent is https://www.w3.org/TR/trace-context/#traceparent-header, of this
	// version or a later one.
	traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{8})([0-9a-f]{24})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$`)
)

// ID reads an id in any of its usual forms.
func ID(given string) (string, error) {
	text := strings.TrimSpace(given)
	if name, value, found := strings.Cut(text, ":"); found && strings.EqualFold(strings.TrimSpace(name), "X-Amzn-Trace-Id") {
		text = strings.TrimSpace(value)
	}
	for field := range strings.SplitSeq(text, ";") {
		if root, found := strings.CutPrefix(strings.TrimSpace(field), "Root="); found {
			text = root
		}
	}
	if lower := strings.ToLower(text); xrayID.MatchString(lower) {
		return lower, nil
	}
	if m := traceparent.FindStringSubmatch(text); m != nil {
		return "1-" + m[1] + "-" + m[2], nil
	}
	return "", fmt.Errorf("%.80q is not a trace id; give one such as 1-6921f8c0-1f0e2d3c4b5a69788796a5b4, an X-Amzn-Trace-Id header or a traceparent", given)
}

// pollPause is the time between two reads of a trace.
const pollPause = 300 * time.Millisecond

type reader struct {
	client      xray.BatchGetTracesAPIClient
	wait, pause time.Duration
	links       int // how many linked traces are read
}

// tree is a trace, and those that it is linked to.
func (r reader) tree(ctx context.Context, id string) (tree, error) {
	t, err := r.read(ctx, id)
	if err != nil {
		return tree{}, err
	}
	if err := r.follow(ctx, &t); err != nil {
		return tree{}, err
	}
	return t, nil
}

// read returns the trace once it is complete and two reads are equal: segments
// arrive one by one, and none is marked as the last. When the wait is over it returns
// what it has.
func (r reader) read(ctx context.Context, id string) (tree, error) {
	over := time.After(r.wait)
	again := time.NewTicker(r.pause)
	defer again.Stop()
	before := 0
	for {
		found, err := r.fetch(ctx, id)
		if err != nil {
			return tree{}, err
		}
		t := found[id]
		if t.parts > 0 && t.parts == before && t.whole() {
			return t, nil
		}
		before = t.parts
		select {
		case <-ctx.Done():
			return tree{}, ctx.Err()
		case <-over:
			if t.parts == 0 {
				return tree{}, fmt.Errorf("no trace %s after %s: is it from another system or region, or not sampled? "+
					"The local system forgets its traces when it stops; on AWS they may take longer (--wait 1m)", id, r.wait)
			}
			return t, nil
		case <-again.C:
		}
	}
}

// maxTraces is how many traces one call may ask for
// (https://docs.aws.amazon.com/xray/latest/api/API_BatchGetTraces.html).
const maxTraces = 5

// fetch reads all pages of some traces. One that is not known has no parts.
func (r reader) fetch(ctx context.Context, ids ...string) (map[string]tree, error) {
	documents, exceeded := map[string][]string{}, map[string]bool{}
	pages := xray.NewBatchGetTracesPaginator(r.client, &xray.BatchGetTracesInput{TraceIds: ids})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("xray.BatchGetTraces: %w", err)
		}
		for _, t := range page.Traces {
			id := aws.ToString(t.Id)
			for _, s := range t.Segments {
				documents[id] = append(documents[id], aws.ToString(s.Document))
			}
			exceeded[id] = exceeded[id] || aws.ToBool(t.LimitExceeded)
		}
	}
	found := map[string]tree{}
	for _, id := range ids {
		t, err := grow(id, documents[id])
		if err != nil {
			return nil, err
		}
		t.Truncated = exceeded[id]
		found[id] = t
	}
	return found, nil
}

// summaries reads all traces of a time range.
func summaries(ctx context.Context, client xray.GetTraceSummariesAPIClient, from, to time.Time) ([]types.TraceSummary, error) {
	var found []types.TraceSummary
	pages := xray.NewGetTraceSummariesPaginator(client, &xray.GetTraceSummariesInput{StartTime: &from, EndTime: &to})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("xray.GetTraceSummaries: %w", err)
		}
		found = append(found, page.TraceSummaries...)
	}
	return found, nil
}
