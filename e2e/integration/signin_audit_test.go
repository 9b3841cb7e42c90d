package integration

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

// TestSigninAudit: attempts and successes are rows of the audit table, and of the
// activity that only the person may see.
func TestSigninAudit(t *testing.T) {
	t.Parallel()
	e := here(t)
	p := e.member(t)
	signIn := func(ctx context.Context, password string) error {
		_, err := p.SignIn(ctx, password)
		return err
	}
	must(p.WrongPassword(t.Context(), signIn))(t)
	must(p.SignIn(t.Context(), p.Password))(t)
	want := map[string]int{contracts.TypeUserCreated: 1, contracts.TypeSigninAttempted: 2, contracts.TypeSigninSucceeded: 1}
	t.Run("rows", func(t *testing.T) {
		t.Parallel()
		e.rowsOf(t, p.Sub, want)
	})
	t.Run("activity", func(t *testing.T) {
		t.Parallel()
		var page struct{ Items []struct{ Type, Sub string } }
		got := map[string]int{}
		eventually(t, "the sign-ins in the person's own activity", func() bool {
			answer := e.ask(t, "/activity?limit=100", p.IDToken)
			if answer.Status != http.StatusOK {
				t.Fatalf("GET /activity: %d", answer.Status)
			}
			if err := json.Unmarshal(answer.Body, &page); err != nil {
				t.Fatalf("json.Unmarshal: %v", err)
			}
			clear(got)
			for _, item := range page.Items {
				got[item.Type]++
			}
			return got[contracts.TypeSigninSucceeded] > 0 && got[contracts.TypeSigninAttempted] > 1
		})
		for _, item := range page.Items {
			if item.Sub != p.Sub {
				t.Error("a row of another user is shown")
			}
		}
		e.ask(t, "/activity", "").isProblem(t, http.StatusUnauthorized)
		e.ask(t, "/activity/"+p.Sub, p.IDToken).isProblem(t, http.StatusForbidden)
	})
}

// rowsOf waits for the rows of a person; Cognito may run a trigger more than once.
func (e *environment) rowsOf(t *testing.T, sub string, want map[string]int) {
	t.Helper()
	trail := actors.Trail{Table: dynamodb.NewFromConfig(e.cfg), Name: e.of(t, "signin-audit/audit-table-name")}
	got := map[string]int{}
	enough := func() bool {
		clear(got)
		for _, row := range must(trail.Of(t.Context(), sub))(t) {
			if !row.Synthetic {
				t.Errorf("the row %s is not marked synthetic", row.ID)
			}
			got[row.Type]++
		}
		for typ, n := range want {
			if got[typ] < n {
				return false
			}
		}
		return true
	}
	if !within(t.Context(), timeout, enough) {
		t.Fatalf("rows (-want +got):\n%s", cmp.Diff(want, maps.Clone(got)))
	}
}
