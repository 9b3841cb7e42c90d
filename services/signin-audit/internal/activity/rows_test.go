package activity

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/services/signin-audit/internal/recorder"
)

// parameters are of a query string.
func (w *fixture) list(t *testing.T, parameters map[string]string) answer {
	t.Helper()
	r := request(routeOwn, "", token(erika))
	r.QueryStringParameters = parameters
	r.MultiValueQueryStringParameters = map[string][]string{}
	for name, value := range parameters {
		r.MultiValueQueryStringParameters[name] = []string{value}
	}
	return w.ask(t, r)
}

func TestPages(t *testing.T) {
	t.Parallel()
	w := newFixture()
	for minute := range 7 {
		w.db.add(erika, "gatehouse.user.signin.succeeded.v1", minute, nil)
		w.db.add(otto, "gatehouse.user.signin.succeeded.v1", minute, nil)
	}
	parameters := map[string]string{"limit": "3"}
	for _, want := range []string{"006 005 004", "003 002 001", "000"} {
		got := w.list(t, parameters)
		if got.status != http.StatusOK || ids(got.page) != want {
			t.Fatalf("page %q, want %q: %+v", ids(got.page), want, got)
		}
		parameters["cursor"] = got.page.Next
	}
	if parameters["cursor"] != "" {
		t.Errorf("a page after the last: %s", parameters["cursor"])
	}
	for _, q := range w.db.queries {
		if !*q.ConsistentRead || *q.Limit != 3 {
			t.Errorf("query %+v", q)
		}
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		from, to, want string
	}{
		"all":            {"", "", "003 002 001 000"},
		"from":           {"2026-11-22T16:02:00Z", "", "003 002"},
		"to":             {"", "2026-11-22T16:02:00Z", "001 000"},
		"both":           {"2026-11-22T16:01:00Z", "2026-11-22T16:03:00Z", "002 001"},
		"other_zone":     {"2026-11-22T17:01:00+01:00", "", "003 002 001"},
		"days":           {"2026-11-22", "2026-11-23", "003 002 001 000"},
		"day_before":     {"2026-11-21", "2026-11-22", ""},
		"a_fraction_off": {"2026-11-22T16:01:00.000000001Z", "2026-11-22T16:02:00.000000001Z", "002"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture()
			for minute := range 4 {
				w.db.add(erika, "gatehouse.user.created.v1", minute, nil)
			}
			parameters := map[string]string{}
			for name, value := range map[string]string{"from": tc.from, "to": tc.to} {
				if value != "" {
					parameters[name] = value
				}
			}
			if got := w.list(t, parameters); got.status != http.StatusOK || ids(got.page) != tc.want {
				t.Errorf("rows %q, want %q: %+v", ids(got.page), tc.want, got)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	w := newFixture()
	// One in a thousand is looked for: a page ends after its share of reading.
	const rows = 2 * maxQueries * filteredPage
	for minute := range rows {
		typ := "gatehouse.user.signin.attempted.v1"
		if minute == 0 || minute == rows-1 {
			typ = "gatehouse.user.created.v1"
		}
		w.db.add(erika, typ, minute, nil)
	}
	parameters := map[string]string{"type": "user.created", "limit": "2"}
	first := w.list(t, parameters)
	if len(first.page.Items) != 1 || first.page.Next == "" || len(w.db.queries) != maxQueries {
		t.Fatalf("%d rows after %d queries, next %q", len(first.page.Items), len(w.db.queries), first.page.Next)
	}
	parameters["cursor"] = first.page.Next
	second := w.list(t, parameters)
	if len(second.page.Items) != 1 || second.page.Items[0].ID != "id-000" || second.page.Next != "" {
		t.Errorf("second page %s", second.body)
	}
}

// A page that is full before all rows of its query were read continues there.
func TestPageEndsWithinAQuery(t *testing.T) {
	t.Parallel()
	w := newFixture()
	for minute := range 5 {
		w.db.add(erika, "gatehouse.user.created.v1", minute, nil)
	}
	parameters := map[string]string{"type": "user.created", "limit": "3"}
	first := w.list(t, parameters)
	parameters["cursor"] = first.page.Next
	if second := w.list(t, parameters); ids(first.page) != "004 003 002" || ids(second.page) != "001 000" {
		t.Errorf("pages %q and %q", ids(first.page), ids(second.page))
	}
}

func TestExpiredRowsAreGone(t *testing.T) {
	t.Parallel()
	w := newFixture()
	expires := func(at time.Time) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{"expiresAt": &types.AttributeValueMemberN{Value: strconv.FormatInt(at.Unix(), 10)}}
	}
	w.db.add(erika, "gatehouse.user.created.v1", 1, expires(w.now))
	w.db.add(erika, "gatehouse.user.created.v1", 2, expires(w.now.Add(time.Second)))
	if got := w.list(t, nil); ids(got.page) != "002" {
		t.Errorf("rows %q", ids(got.page))
	}
}

func TestBadParameters(t *testing.T) {
	t.Parallel()
	cursor := encodeCursor(recorder.SortKey(recorder.Stamp(start), "id"))
	for name, parameters := range map[string]map[string]string{
		"limit_zero":        {"limit": "0"},
		"limit_too_large":   {"limit": "101"},
		"limit_negative":    {"limit": "-1"},
		"limit_no_number":   {"limit": "ten"},
		"limit_empty":       {"limit": ""},
		"type_empty":        {"type": ""},
		"type_with_spaces":  {"type": "user signin"},
		"type_too_long":     {"type": strings.Repeat("a", 129)},
		"from_no_time":      {"from": "yesterday"},
		"from_without_zone": {"from": "2026-11-22T17:00:00"},
		"from_year_10000":   {"from": "9999-12-31T23:59:59-01:00"},
		"to_before_from":    {"from": "2026-11-22", "to": "2026-11-21"},
		"to_is_from":        {"from": "2026-11-22", "to": "2026-11-22"},
		"cursor_of_no_page": {"cursor": "abc"},
		"cursor_empty":      {"cursor": ""},
		"cursor_of_later":   {"cursor": cursor, "to": "2026-11-22"},
		"cursor_of_earlier": {"cursor": cursor, "from": "2026-11-23"},
		"cursor_too_long":   {"cursor": strings.Repeat("A", 4000)},
		"unknown":           {"sub": otto},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture()
			got := w.list(t, parameters)
			if got.status != http.StatusBadRequest || got.trace != trace || len(w.db.queries) != 0 {
				t.Errorf("answer %+v", got)
			}
		})
	}
	w := newFixture()
	r := request(routeOwn, "", token(erika))
	r.QueryStringParameters = map[string]string{"limit": "2"}
	r.MultiValueQueryStringParameters = map[string][]string{"limit": {"1", "2"}}
	if got := w.ask(t, r); got.status != http.StatusBadRequest {
		t.Errorf("a parameter given twice: %+v", got)
	}
}

// Whatever a cursor holds, it is a position in the order of rows or refused.
func FuzzCursor(f *testing.F) {
	f.Add(encodeCursor(recorder.SortKey(recorder.Stamp(start), "id#1")))
	f.Add("")
	f.Add("AAAA")
	// The last character has bits that no byte takes up.
	f.Add(strings.TrimSuffix(encodeCursor(recorder.SortKey(recorder.Stamp(start), "id1")), "Q") + "R")
	f.Add(encodeCursor("2026-11-22T16:00:00Z#id"))
	f.Fuzz(func(t *testing.T, cursor string) {
		sk, err := decodeCursor(cursor)
		if err != nil {
			if sk != "" {
				t.Fatalf("%q is refused and read as %q", cursor, sk)
			}
			return
		}
		at, id, found := strings.Cut(sk, "#")
		if _, err := time.Parse(recorder.TimeLayout, at); err != nil || !found || id == "" {
			t.Fatalf("%q is read as %q", cursor, sk)
		}
		if encodeCursor(sk) != cursor {
			t.Fatalf("two cursors for %q: %q and %q", sk, encodeCursor(sk), cursor)
		}
	})
}
