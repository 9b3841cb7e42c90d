package trace

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"
)

// pollPause is the time between two reads of a trace.
const pollPause = 300 * time.Millisecond

type reader struct {
	client      xray.BatchGetTracesAPIClient
	wait, pause time.Duration
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
		t, err := r.look(ctx, id)
		if err != nil {
			return tree{}, err
		}
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

// look reads all pages of one trace.
func (r reader) look(ctx context.Context, id string) (tree, error) {
	var segments []types.Segment
	exceeded := false
	pages := xray.NewBatchGetTracesPaginator(r.client, &xray.BatchGetTracesInput{TraceIds: []string{id}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return tree{}, fmt.Errorf("xray.BatchGetTraces: %w", err)
		}
		for _, t := range page.Traces {
			segments = append(segments, t.Segments...)
			exceeded = exceeded || aws.ToBool(t.LimitExceeded)
		}
	}
	documents := make([]string, 0, len(segments))
	for _, s := range segments {
		documents = append(documents, aws.ToString(s.Document))
	}
	t, err := grow(id, documents)
	t.Truncated = exceeded
	return t, err
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
