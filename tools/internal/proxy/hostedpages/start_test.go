package hostedpages

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

const testGuard = "ABCDEFGHIJKLMNOPQRSTUVWXY2"

// start serves the pages in front of the fake. Hooks are noted among the fake's calls;
// those that are named fail.
func start(t *testing.T, f *upstreamtest.Fake, failing ...string) (pages *Pages, origin string) {
	t.Helper()
	hook := func(name string) SignInHook {
		return func(context.Context, upstream.AppClient, upstream.Pool, string, string) error {
			f.Note(name)
			if slices.Contains(failing, name) {
				return upstream.Refuse("UserLambdaValidationException", "PreAuthentication failed with error <b>no</b>.")
			}
			return nil
		}
	}
	federated := func(ctx context.Context, cl upstream.AppClient, p upstream.Pool, name string, first bool, trace string) error {
		return hook(map[bool]string{true: "first ", false: "later "}[first]+name)(ctx, cl, p, name, trace)
	}
	up := upstreamtest.Upstream(t, f.Server.URL)
	pages, err := New(Config{
		Root: "../../../..", Environment: "local", API: "/api", Upstream: up, Calls: up,
		Before: hook(preFired), After: hook(postFired), Federated: federated, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages, upstreamtest.Serve(t, up, pages.Handler)
}

// postForm posts as a browser that was given the page before.
func postForm(t *testing.T, target string, form url.Values) (int, http.Header, string) {
	t.Helper()
	if !form.Has(guardField) {
		form.Set(guardField, testGuard)
	}
	req := upstreamtest.Request(t, http.MethodPost, target, form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: guardCookie, Value: testGuard})
	return upstreamtest.Do(t, req)
}
