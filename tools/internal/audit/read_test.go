package audit

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/actors"
)

var now = time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)

// table is an audit table in memory that answers two rows a page. It knows the
// key conditions of this package and offers no scan.
type table struct {
	items []map[string]types.AttributeValue
	pages int
}

func (f *table) add(sub, typ, at string, more ...string) {
	id := strconv.Itoa(len(f.items))
	pk := "none#pool#" + at[:10]
	if sub != "" {
		pk = "user#" + sub
	}
	item := map[string]types.AttributeValue{
		"pk": text(pk), "sk": text(at + "#" + id), "day": text(at[:10]), "typeTime": text(typ + "#" + at + "#" + id),
		"id": text(id), "type": text(typ), "time": text(at), "pool": text("pool"), "sub": text(sub), "data": text(`{}`),
	}
	for i := 0; i < len(more); i += 2 {
		item[more[i]] = text(more[i+1])
	}
	f.items = append(f.items, item)
}

func (f *table) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	f.pages++
	arg := func(name string) string {
		v, _ := in.ExpressionAttributeValues[name].(*types.AttributeValueMemberS)
		if v == nil {
			return ""
		}
		return v.Value
	}
	hash, hashValue, sort, sortPrefix := "pk", arg(":pk"), "sk", arg(":day")
	if in.IndexName != nil {
		hash, hashValue, sort, sortPrefix = "day", arg(":day"), "typeTime", arg(":type")
	}
	var hits []map[string]types.AttributeValue
	for _, item := range f.items {
		if value(item, hash) == hashValue && strings.HasPrefix(value(item, sort), sortPrefix) {
			hits = append(hits, item)
		}
	}
	slices.SortFunc(hits, func(a, b map[string]types.AttributeValue) int { return strings.Compare(value(b, sort), value(a, sort)) })
	start := 0
	if in.ExclusiveStartKey != nil {
		start, _ = strconv.Atoi(value(in.ExclusiveStartKey, "n"))
	}
	end := min(start+2, len(hits))
	out := &dynamodb.QueryOutput{Items: hits[start:end]}
	if end < len(hits) {
		out.LastEvaluatedKey = map[string]types.AttributeValue{"n": text(strconv.Itoa(end))}
	}
	return out, nil
}

func TestRead(t *testing.T) {
	t.Parallel()
	f := &table{}
	const attempted, succeeded = "gatehouse.user.signin.attempted.v1", "gatehouse.user.signin.succeeded.v1"
	f.add("ann", attempted, "2026-11-22T10:00:00.000000000Z")                            // 0
	f.add("ann", succeeded, "2026-11-22T10:00:01.000000000Z")                            // 1
	f.add("", attempted, "2026-11-22T11:00:00.000000000Z")                               // 2
	f.add("bob", attempted, "2026-11-22T12:00:00.000000000Z")                            // 3
	f.add("ann", "gatehouse.user.signin.attempted.v2", "2026-11-22T13:00:00.000000000Z") // 4
	f.add("ann", attempted, "2026-11-21T10:00:00.000000000Z")                            // 5
	f.add("ann", attempted, "2026-11-22T09:00:00.000000000Z")                            // 6, expired
	f.items[6]["expiresAt"] = &types.AttributeValueMemberN{Value: strconv.FormatInt(now.Unix(), 10)}
	f.add("bob", "gatehouse.user.signin.attempted.late.v1", "2026-11-22T14:00:00.000000000Z") // 7
	for _, tc := range []struct {
		name string
		o    options
		want string
	}{
		{"day", options{}, "0 1 2 3 4 7"},
		{"day_limited_to_newest", options{limit: 2}, "4 7"},
		{"other_day", options{day: "2026-11-21"}, "5"},
		{"day_of_type", options{typ: "user.signin.attempted"}, "0 2 3 4"},
		{"day_of_exact_type", options{typ: attempted}, "0 2 3"},
		{"user", options{user: "ann"}, "5 0 1 4"},
		{"user_limited", options{user: "ann", limit: 1}, "4"},
		{"user_and_day", options{user: "ann", day: "2026-11-21"}, "5"},
		{"user_and_type", options{user: "ann", typ: "user.signin.succeeded"}, "1"},
		{"unknown_user", options{user: "eve"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := tc.o
			if err := o.check(now); err != nil {
				t.Fatal(err)
			}
			r := reader{client: &table{items: f.items}, table: "audit", now: now}
			rows, err := r.read(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, row := range rows {
				ids = append(ids, row.ID)
			}
			if got := strings.Join(ids, " "); got != tc.want {
				t.Errorf("rows %q, want %q", got, tc.want)
			}
		})
	}
}

// A limited question about a user must not read that user's whole history.
func TestReadStopsAtLimit(t *testing.T) {
	t.Parallel()
	f := &table{}
	for i := range 20 {
		f.add("ann", "gatehouse.user.signin.succeeded.v1", fmt.Sprintf("2026-11-22T10:00:%02d.000000000Z", i))
	}
	r := reader{client: f, table: "audit", now: now}
	if rows, err := r.read(t.Context(), options{user: "ann", limit: 3}); err != nil || len(rows) != 3 || f.pages != 2 {
		t.Errorf("%d rows of %d pages, error %v; want 3 of 2", len(rows), f.pages, err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, bad := range []options{{limit: -1}, {day: "22.11.2026"}, {day: "2026-13-01"}, {typ: "a#b"}, {typ: "A"}} {
		if err := bad.check(now); err == nil {
			t.Errorf("%+v passed", bad)
		}
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	rows := []actors.Row{
		{ID: "1", Type: "gatehouse.user.signin.attempted.v1", Time: "2026-11-22T10:00:00.120000000Z", Pool: "p", Client: "c", Data: `{"userNotFound":true}`},
		{ID: "2", Type: "odd\x1b[2J", Time: "soon", Pool: "p", Sub: "ann", Data: `"pl\u001bain"`},
		{ID: "3", Type: "gatehouse.user.created.v1", Time: "2026-11-22T10:00:01Z", Sub: "can", Data: `{"via":"signup"}`, Synthetic: true},
		{ID: "4", Type: "gatehouse.user.created.v1", Time: "2026-11-22T10:00:01Z", Sub: "can", Synthetic: true},
		{
			ID: "5", Type: "gatehouse.user.signin.failed.v1", Time: "2026-11-22T10:00:01Z", Sub: "ann", Data: `{"reason":"code-wrong"}`,
			IP: "192.0.2.44", UserAgent: "odd\x1b[2J" + strings.Repeat("x", 40),
		},
	}
	var out bytes.Buffer
	if err := listing(rows).Print(&out, false); err != nil {
		t.Fatal(err)
	}
	want := "TIME                  TYPE                   USER  CLIENT  WHAT\n" +
		"2026-11-22T10:00:00Z  user.signin.attempted  -     c       userNotFound=true\n" +
		"soon                  odd\uFFFD[2J                ann   -       \"pl\\u001bain\"\n" +
		"2026-11-22T10:00:01Z  user.created           can   -       synthetic via=signup\n" +
		"2026-11-22T10:00:01Z  user.created           can   -       synthetic\n" +
		"2026-11-22T10:00:01Z  user.signin.failed     ann   -       reason=code-wrong ip=192.0.2.44 userAgent=odd\uFFFD[2J" + strings.Repeat("x", 33) + "…\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	out.Reset()
	if err := listing([]actors.Row{rows[0], rows[3], {ID: "5", IP: "192.0.2.44", UserAgent: "x"}}).Print(&out, true); err != nil {
		t.Fatal(err)
	}
	want = `{"client":"c","data":{"userNotFound":true},"id":"1","pool":"p","receivedAt":"","time":"2026-11-22T10:00:00.120000000Z","type":"gatehouse.user.signin.attempted.v1"}` + "\n" +
		`{"id":"4","pool":"","receivedAt":"","sub":"can","synthetic":true,"time":"2026-11-22T10:00:01Z","type":"gatehouse.user.created.v1"}` + "\n" +
		`{"id":"5","ip":"192.0.2.44","pool":"","receivedAt":"","time":"","type":"","userAgent":"x"}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// value is a text attribute, or empty.
func value(item map[string]types.AttributeValue, name string) string {
	if s, ok := item[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
