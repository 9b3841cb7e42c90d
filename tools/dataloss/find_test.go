package dataloss

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
)

const (
	modify  = types.ChangeActionModify
	remove  = types.ChangeActionRemove
	add     = types.ChangeActionAdd
	yes     = types.ReplacementTrue
	no      = types.ReplacementFalse
	perhap  = types.ReplacementConditional
	always  = types.RequiresRecreationAlways
	may     = types.RequiresRecreationConditionally
	never   = types.RequiresRecreationNever
	static  = types.EvaluationTypeStatic
	dynamic = types.EvaluationTypeDynamic

	table = "AWS::DynamoDB::Table"
	key   = "AWS::KMS::Key"
	queue = "AWS::SQS::Queue"
)

// brief is a finding without its advice.
func brief(r Report) []string {
	var out []string
	for _, l := range r.Findings {
		out = append(out, l.Path+" "+string(l.What)+": "+l.Because)
	}
	return out
}

func TestFind(t *testing.T) {
	t.Parallel()
	const kept = "Resources: {T: {Type: AWS::DynamoDB::Table, DeletionPolicy: Retain, UpdateReplacePolicy: Retain}}"
	for name, tc := range map[string]struct {
		changes []types.Change
		old     string
		next    string
		want    []string
	}{
		"replaced":              {changes: []types.Change{change(modify, "T", table, yes, detail("TableName", always, static, ""))}, want: []string{"T would be replaced: TableName changes"}},
		"removed":               {changes: []types.Change{change(remove, "Q", queue, "")}, want: []string{"Q would be removed: "}},
		"removed_but_kept":      {changes: []types.Change{change(remove, "T", table, "")}, old: kept, want: []string{"T would stay in the account, outside any stack: by its DeletionPolicy"}},
		"renamed":               {changes: []types.Change{change(add, "U", table, ""), change(remove, "T", table, "")}, want: []string{"T would be replaced by an empty resource with another logical id: U is new and of the same type"}},
		"not_a_rename":          {changes: []types.Change{change(add, "U", queue, ""), change(remove, "T", table, "")}, want: []string{"T would be removed: "}},
		"depends":               {changes: []types.Change{change(modify, "T", table, perhap, detail("TableName", always, dynamic, "Other.Name"))}, want: []string{"T may be replaced: TableName depends on Other.Name"}},
		"depends_on_the_schema": {changes: []types.Change{change(modify, "T", table, perhap, detail("KeySchema", may, static, ""))}, want: []string{"T may be replaced: KeySchema depends on KeySchema"}},
		"never_by_the_schema":   {changes: []types.Change{change(modify, "K", key, perhap, detail("KeyPolicy", may, static, ""))}},
		"immutable":             {changes: []types.Change{change(modify, "K", key, perhap, detail("KeySpec", may, static, ""))}, want: []string{"K would change an immutable property: KeySpec changes"}},
		"create_only":           {changes: []types.Change{change(modify, "T", table, perhap, detail("TableName", may, static, ""))}, want: []string{"T would be replaced: TableName changes"}},
		"without_details":       {changes: []types.Change{change(modify, "T", table, perhap)}, want: []string{"T may be replaced: CloudFormation gives no reason"}},
		"harmless":              {changes: []types.Change{change(modify, "T", table, no, detail("BillingMode", never, static, "")), change(add, "N", queue, ""), change(remove, "F", "AWS::Lambda::Function", "")}},
		"other_type":            {changes: []types.Change{change(modify, "F", "AWS::Lambda::Function", yes)}},
		"type_changed":          {changes: []types.Change{change(modify, "Was", "AWS::Lambda::Function", yes)}, want: []string{"Was would be replaced: "}},
		"less_protected":        {old: kept, next: "Resources: {T: {Type: AWS::DynamoDB::Table, DeletionPolicy: Delete, UpdateReplacePolicy: Retain}}", want: []string{"T would lose its protection: DeletionPolicy from Retain to Delete"}},
		"not_protected":         {old: kept, next: "Resources: {T: {Type: AWS::DynamoDB::Table, DeletionPolicy: Retain}}", want: []string{"T would lose its protection: UpdateReplacePolicy from Retain to nothing"}},
		"as_protected":          {old: kept, next: strings.ReplaceAll(kept, "DeletionPolicy: Retain,", "DeletionPolicy: RetainExceptOnCreate,")},
		"as_protected_json":     {old: kept, next: `{"Resources": {"T": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{stacks: map[string]fakeStack{"s": {
				template: tc.old, next: tc.next, changes: tc.changes, resources: map[string][2]string{"Was": {table, "t-1"}},
			}}}
			got, err := Finder{API: f}.Find(t.Context(), "s", "set")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, brief(got)); diff != "" {
				t.Errorf("data loss (-want +got):\n%s", diff)
			}
			for _, l := range got.Findings {
				if l.Instead == "" || strings.Contains(l.Instead, "  ") {
					t.Errorf("%s: no way out: %q", l.Path, l.Instead)
				}
			}
		})
	}
}

func TestErr(t *testing.T) {
	t.Parallel()
	if err := (Report{Unseen: []string{"Nested"}}).Err("s"); err != nil {
		t.Errorf("got %v, but nothing is lost", err)
	}
	k := kind{Holds: "the rows", First: "move them"}
	err := Report{Findings: []Finding{{Path: "T", Type: table, What: Replaced, Because: "TableName changes", Instead: advice(Replaced, k, "")}}}.Err("gatehouse-dev-x")
	want := `stopped: gatehouse-dev-x would lose data:
  - T, AWS::DynamoDB::Table, would be replaced (TableName changes). Instead: undo this (it holds the rows), or add a second resource with another logical id, move them, and then remove this one.
The stack policy denies this, too. If you mean it, docs/deploy-aws.md describes how to disable the policy for one deployment`
	if err == nil || err.Error() != want {
		t.Errorf("refusal (-want +got):\n%s", cmp.Diff(want, err.Error()))
	}
}

func TestFindNamesTheCallee(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	if _, err := (Finder{API: &fake{err: no}}).Find(t.Context(), "s", "set"); !errors.Is(err, no) || !strings.Contains(err.Error(), "cloudformation.DescribeChangeSet") {
		t.Errorf("got %v", err)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	types := Types()
	if len(types) < 10 {
		t.Fatalf("%d types", len(types))
	}
	for typ, k := range kinds {
		if k.Holds == "" || k.First == "" {
			t.Errorf("%s: what does it hold, and what has to happen first?", typ)
		}
	}
	if !slices.Contains(types, table) || slices.Contains(types, "AWS::Lambda::Function") {
		t.Error("a table holds rows, a function nothing")
	}
}

// TestAdviceForDomains: a pool has one domain of Cognito's and one of its own, so that a
// second resource next to the first is refused: https://github.com/aws/aws-cdk/issues/10062,
// and Domain and CustomDomain in
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserPoolType.html
func TestAdviceForDomains(t *testing.T) {
	t.Parallel()
	for typ, k := range kinds {
		text := advice(Replaced, k, "")
		second := strings.Contains(text, "add a second resource")
		if domain := typ == "AWS::Cognito::UserPoolDomain"; domain == second || domain && !strings.Contains(text, "platform/README.md") {
			t.Errorf("%s: %s", typ, text)
		}
	}
}
