package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
)

// auditorsGroup is the group whose members read everybody's activity.
const auditorsGroup = "auditors"

// activity is one page of /activity.
type activity struct {
	Items []map[string]any
	Next  string
}

// reads requests a page, which has to be found.
func (s *system) reads(t *testing.T, path, idToken string) activity {
	t.Helper()
	status, body := s.ask(t, path, idToken)
	var page activity
	if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, status, body)
	}
	return page
}

// becomesAuditor joins the group; only tokens that are issued later say so.
func (p *person) becomesAuditor(t *testing.T) {
	t.Helper()
	must(p.c.cognito.AdminAddUserToGroup(t.Context(), &cognito.AdminAddUserToGroupInput{
		UserPoolId: p.s.pool(), Username: &p.Email, GroupName: aws.String(auditorsGroup),
	}))(t)
}

// shows waits until the person's newest sign-in is there.
func (s *system) shows(t *testing.T, path, idToken, sub string) activity {
	t.Helper()
	var page activity
	eventually(t, "the sign-in in "+path, func() bool {
		page = s.reads(t, path, idToken)
		return slices.ContainsFunc(page.Items, func(row map[string]any) bool {
			return row["type"] == contracts.TypeSigninSucceeded && row["sub"] == sub
		})
	})
	return page
}

func TestActivityShowsOnlyOwnEvents(t *testing.T) {
	t.Parallel()
	s := start(t)
	erika, otto := s.member(t), s.member(t)
	hers, his := erika.tokens(t).id, otto.tokens(t).id
	page := s.shows(t, "/activity", hers, erika.Sub)
	for _, row := range append(page.Items, s.shows(t, "/activity", his, otto.Sub).Items...) {
		raw := must(json.Marshal(row))(t)
		if strings.Contains(string(raw), erika.local) || strings.Contains(string(raw), otto.local) {
			t.Errorf("an address in %s", raw)
		}
	}
	for _, row := range page.Items {
		if row["sub"] != erika.Sub {
			t.Errorf("somebody else's row: %v", row)
		}
	}
	if status, body := s.ask(t, "/activity/"+erika.Sub, his); status != http.StatusForbidden || strings.Contains(body, "items") {
		t.Errorf("a person reads another's activity: %d %s", status, body)
	}
	if status, _ := s.ask(t, "/activity", ""); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
}

func TestAuditorsReadActivityOfAnyUser(t *testing.T) {
	t.Parallel()
	s := start(t)
	erika, auditor := s.member(t), s.member(t)
	erika.tokens(t)
	auditor.becomesAuditor(t)
	token := auditor.tokens(t).id
	s.shows(t, "/activity/"+erika.Sub, token, erika.Sub)
	for path, want := range map[string]int{
		"/activity/00000000-1111-4222-8333-444444444444": http.StatusOK, // an unknown user has no rows
		"/activity/" + url.PathEscape(erika.Email):       http.StatusBadRequest,
		"/activity/" + strings.ToUpper(erika.Sub):        http.StatusBadRequest,
		"/activity/" + erika.Sub + "?limit=0":            http.StatusBadRequest,
		"/activity/" + erika.Sub + "?limit=1&limit=2":    http.StatusBadRequest,
		"/activity/" + erika.Sub + "?sub=" + auditor.Sub: http.StatusBadRequest,
	} {
		if status, body := s.ask(t, path, token); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}
	}
}

// TestActivityAgreesWithTheTool page by page: both show the same rows.
func TestActivityAgreesWithTheTool(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	token := p.tokens(t).id
	s.shows(t, "/activity", token, p.Sub)
	// Of a sign-up: allowed, created; of a sign-in: attempted, succeeded.
	eventually(t, "four rows", func() bool { return len(s.reads(t, "/activity", token).Items) == 4 })

	var paged []map[string]any
	for path := "/activity?limit=1"; path != ""; {
		page := s.reads(t, path, token)
		paged = append(paged, page.Items...)
		path = ""
		if page.Next != "" {
			path = "/activity?limit=1&cursor=" + url.QueryEscape(page.Next)
		}
	}
	out, err := s.run(t, filepath.Join(s.root, "bin", "gatehouse"), "audit", "show", "--user", p.Sub, "--json")
	if err != nil {
		t.Fatalf("gatehouse audit show: %v\n%s", err, out)
	}
	var shown []map[string]any
	for line := range strings.Lines(out) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		shown = append(shown, row)
	}
	slices.Reverse(shown) // the tool shows the newest last
	if diff := cmp.Diff(shown, paged); diff != "" {
		t.Errorf("rows (-tool +API):\n%s", diff)
	}
	only := s.reads(t, "/activity?type=user.signin.succeeded", token)
	if len(only.Items) != 1 || only.Items[0]["type"] != contracts.TypeSigninSucceeded {
		t.Errorf("of one type: %v", only.Items)
	}
	later := url.Values{"from": {"2999-01-01"}}
	if none := s.reads(t, "/activity?"+later.Encode(), token); len(none.Items) != 0 {
		t.Errorf("of the year 2999: %v", none.Items)
	}
}
