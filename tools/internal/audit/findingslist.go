package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/contracts"
	"gatehouse.example/services/signin-audit/findings"
	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/terminal"
)

func (o *findingsOptions) list(ctx context.Context, out io.Writer, now time.Time) error {
	from, to, err := o.part(now)
	if err != nil {
		return err
	}
	_, table, err := o.connect(ctx)
	if err != nil {
		return err
	}
	found, err := published(ctx, table.Client, table.Name, from, to, now)
	if err != nil {
		return hint(err)
	}
	if o.rule != "" {
		found = slices.DeleteFunc(found, func(f findings.Finding) bool { return f.Rule != o.rule })
	}
	return printFindings(out, found, o.json)
}

// published reads the findings that are in the audit table.
func published(ctx context.Context, client dynamodb.QueryAPIClient, table string, from, to, now time.Time) ([]findings.Finding, error) {
	const stamp = "2006-01-02T15:04:05.000000000Z"
	var out []findings.Finding
	for day := from.Truncate(24 * time.Hour); day.Before(to); day = day.Add(24 * time.Hour) {
		pages := dynamodb.NewQueryPaginator(client, &dynamodb.QueryInput{
			TableName: &table, IndexName: aws.String(index),
			KeyConditionExpression:   aws.String("#day = :day AND typeTime BETWEEN :from AND :to"),
			ExpressionAttributeNames: map[string]string{"#day": "day"},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":day":  text(day.Format(time.DateOnly)),
				":from": text(contracts.TypeSecurityFinding + "#" + from.Format(stamp)), ":to": text(contracts.TypeSecurityFinding + "#" + to.Format(stamp)),
			},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("dynamodb.Query: %w", err)
			}
			for _, item := range page.Items {
				row := actors.ReadRow(item)
				if f, ok := findingOf(row); ok && !row.Expired(now) {
					out = append(out, f)
				}
			}
		}
	}
	return out, nil
}

// findingOf is the finding in its audit row.
func findingOf(row actors.Row) (findings.Finding, bool) {
	var d contracts.SecurityFinding
	if json.Unmarshal([]byte(row.Data), &d) != nil {
		return findings.Finding{}, false
	}
	from, err := time.Parse(time.RFC3339, d.From)
	if err != nil {
		return findings.Finding{}, false
	}
	to, err := time.Parse(time.RFC3339, d.To)
	return findings.Finding{
		Rule: d.Rule, Severity: d.Severity, Pool: row.Pool, Sub: row.Sub, Client: row.Client, Domain: d.Domain,
		From: from, To: to, Counts: d.Counts, Reasons: d.Reasons,
	}, err == nil
}

// printFindings prints a table for people, or JSON for programs.
func printFindings(out io.Writer, found []findings.Finding, asJSON bool) error {
	slices.SortStableFunc(found, func(a, b findings.Finding) int { return a.To.Compare(b.To) })
	l := terminal.Listing{
		Header: []string{"TIME", "SEVERITY", "RULE", "USER", "CLIENT OR DOMAIN", "EVIDENCE"},
		Empty:  "no findings; --from and --to widen the search",
	}
	for _, f := range found {
		to := f.To.UTC().Format(time.RFC3339)
		fields := map[string]any{
			"id": f.ID(), "rule": f.Rule, "severity": f.Severity, "from": f.From.UTC().Format(time.RFC3339), "to": to,
			"pool": f.Pool, "counts": f.Counts,
		}
		if len(f.Reasons) > 0 {
			fields["reasons"] = f.Reasons
		}
		l.Lines = append(l.Lines, terminal.Line{
			Cells:    []string{to, f.Severity, f.Rule, f.Sub, cmp.Or(f.Client, f.Domain), evidence(f)},
			Fields:   fields,
			Optional: map[string]string{"sub": f.Sub, "client": f.Client, "domain": f.Domain},
		})
	}
	return l.Print(out, asJSON)
}

func evidence(f findings.Finding) string {
	var words []string
	for _, m := range []map[string]int{f.Counts, f.Reasons} {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			words = append(words, fmt.Sprintf("%s=%d", name, m[name]))
		}
	}
	return strings.Join(words, " ")
}
