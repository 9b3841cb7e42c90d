package hostedpages

import (
	"net/http"

	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// back is the emulator's answer about a person who came back from a provider.
func back(first string) upstreamtest.Reply {
	return upstreamtest.Reply{Status: 302, Header: http.Header{
		"Location": {"https://app.example/cb?code=abc&state=s"}, upstream.NoteUser: {"Acme_u%2B1"}, upstream.NoteFirst: {first},
	}}
}

func TestFederatedSignIn(t *testing.T) {
	t.Parallel()
	const code, failure = "https://app.example/cb?code=abc&state=s", "https://app.example/cb?error=access_denied&state=s"
	for name, tc := range map[string]struct {
		reply   upstreamtest.Reply
		failing string
		to      string
		want    []string
	}{
		"first":         {back("true"), "", code, []string{providerCallback, "first Acme_u+1"}},
		"later":         {back("false"), "", code, []string{providerCallback, "later Acme_u+1"}},
		"trigger_fails": {back("false"), "later Acme_u+1", "https://app.example/cb?error=invalid_request&state=a%2Fb%26%3Cx%3E&error_description=PreAuthentication+failed+with+error+%3Cb%3Eno%3C%2Fb%3E.", []string{providerCallback, "later Acme_u+1"}},
		"refused":       {upstreamtest.Reply{Status: 302, Header: http.Header{"Location": {failure}}}, "", failure, []string{providerCallback}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Client["SupportedIdentityProviders"] = []string{"COGNITO", "Acme"}
			f.Replies[providerCallback] = tc.reply
			_, origin := start(t, f, tc.failing)
			status, header, _ := visit(t, origin+"/oauth2/authorize?"+appQuery("identity_provider", "Acme", "code_challenge", "c").Encode())
			if got, want := header.Get("Location"), "https://idp.example/authorize?challenge=c&state=flow-1"; status != http.StatusFound || got != want {
				t.Fatalf("%d %q, want %q", status, got, want)
			}
			status, header, body := visit(t, origin+providerCallback+"?state=flow-1&code=x")
			if status != http.StatusFound || header.Get("Location") != tc.to {
				t.Errorf("%d %q %s, want %q", status, header.Get("Location"), body, tc.to)
			}
			if got := header.Get(upstream.NoteClient); got != "c1" {
				t.Errorf("the trail learns the client %q", got)
			}
			if diff := cmp.Diff(tc.want, f.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if status, _, _ := visit(t, origin+providerCallback+"?state=flow-1&code=x"); status != http.StatusBadRequest {
				t.Errorf("the same state again: status %d", status)
			}
		})
	}
}

// Only the browser that went to a provider may come back from it, and only to the client
// that has the provider.
func TestFederationIsRefused(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Client["SupportedIdentityProviders"] = []string{"COGNITO", "Acme"}
	f.Replies[providerCallback] = back("true")
	_, origin := start(t, f)
	leave := "/oauth2/authorize?" + appQuery("identity_provider", "Acme").Encode()
	if status, _, body := visit(t, origin+leave); status != http.StatusFound {
		t.Fatalf("status %d %s", status, body)
	}
	for name, tc := range map[string]struct {
		method, path, cookie string
		status               int
	}{
		"other_browser":  {"GET", providerCallback + "?state=flow-1&code=x", strings.Repeat("B", 26), http.StatusBadRequest},
		"no_cookie":      {"GET", providerCallback + "?state=flow-1&code=x", "", http.StatusBadRequest},
		"unknown_state":  {"GET", providerCallback + "?state=flow-2&code=x", testGuard, http.StatusBadRequest},
		"no_state":       {"GET", providerCallback, testGuard, http.StatusBadRequest},
		"posted":         {"POST", providerCallback, testGuard, http.StatusMethodNotAllowed},
		"other_provider": {"GET", "/oauth2/authorize?" + appQuery("identity_provider", "Other").Encode(), testGuard, http.StatusBadRequest},
		"other_address":  {"GET", "/oauth2/authorize?" + appQuery("identity_provider", "Acme", "redirect_uri", "https://other.example/").Encode(), testGuard, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := upstreamtest.Request(t, tc.method, origin+tc.path, "")
			if tc.cookie != "" {
				req.AddCookie(&http.Cookie{Name: guardCookie, Value: tc.cookie})
			}
			if status, header, _ := upstreamtest.Do(t, req); status != tc.status || header.Get("Location") != "" {
				t.Errorf("%d %q, want %d", status, header.Get("Location"), tc.status)
			}
		})
	}
	t.Cleanup(func() {
		if calls := f.Calls(); len(calls) > 0 {
			t.Errorf("the emulator was asked: %v", calls)
		}
	})
}

func TestTheSignInPageNamesTheProviders(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Client["SupportedIdentityProviders"] = []string{"COGNITO", "Acme"}
	_, origin := start(t, f)
	_, _, body := visit(t, origin+"/login?"+appQuery("state", "s").Encode())
	link := "/oauth2/authorize?" + strings.ReplaceAll(appQuery("state", "s", "identity_provider", "Acme").Encode(), "&", "&amp;")
	if !strings.Contains(body, link) || !strings.Contains(body, "Continue with Acme") || strings.Contains(body, "COGNITO") {
		t.Errorf("no link to %s: %s", link, body)
	}
}
