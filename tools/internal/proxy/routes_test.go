package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstream"
	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

const testTrace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

// restAPIs stands for an emulator with one API in local and another in test, whose
// ids it tells, or with none.
func restAPIs(t *testing.T, id string, serve http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/restapis/") && strings.Count(r.URL.Path, "/") == 2 {
			upstreamtest.WriteJSON(w, 200, map[string]string{"name": "gatehouse"})
			return
		}
		if r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameter" {
			serve(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		of := map[string]string{`{"Name":"/gatehouse/local/api/api-id"}`: id, `{"Name":"/gatehouse/test/api/api-id"}`: id + "t"}[string(body)]
		if id == "" || of == "" {
			upstreamtest.WriteJSON(w, 400, map[string]string{"__type": "ParameterNotFound"})
			return
		}
		upstreamtest.WriteJSON(w, 200, map[string]any{"Parameter": map[string]string{"Value": of}})
	}))
	t.Cleanup(server.Close)
	origin := startBefore(t, server.URL)
	return origin
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	req := upstreamtest.Request(t, method, url, body)
	req.Header.Set(upstream.TraceHeader, testTrace)
	return req
}

// Only the path changes on the way to the API.
func TestRoutes(t *testing.T) {
	t.Parallel()
	type seen struct{ Method, URI, Host, Body, Authorization, Trace string }
	for name, tc := range map[string]struct{ path, want string }{
		"route":        {"/api/user?a=1&b=%2F", "/restapis/abc/live/_user_request_/user?a=1&b=%2F"},
		"escaped":      {"/api/activity/a%2Fb%20c", "/restapis/abc/live/_user_request_/activity/a%2Fb%20c"},
		"root":         {"/api", "/restapis/abc/live/_user_request_"},
		"root_slash":   {"/api/", "/restapis/abc/live/_user_request_/"},
		"environment":  {"/test/api/activity/a%2Fb?c=d", "/restapis/abct/live/_user_request_/activity/a%2Fb?c=d"},
		"env_root":     {"/test/api", "/restapis/abct/live/_user_request_"},
		"unknown":      {"/staging/api/guest", "/staging/api/guest"},
		"a_bucket":     {"/test/apis", "/test/apis"},
		"another_path": {"/apiary", "/apiary"},
		"by_id":        {"/restapis/x/live/_user_request_/guest", "/restapis/x/live/_user_request_/guest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got seen
			origin := restAPIs(t, "abc", func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = seen{r.Method, r.RequestURI, r.Host, string(body), r.Header.Get("Authorization"), r.Header.Get(upstream.TraceHeader)}
				w.WriteHeader(http.StatusTeapot)
				_, _ = io.WriteString(w, "answer")
			})
			req := request(t, http.MethodPut, origin+tc.path, "body")
			req.Host = "localhost:" + req.URL.Port()
			req.Header.Set("Authorization", "Bearer t")
			status, _, answer := upstreamtest.Do(t, req)
			if status != http.StatusTeapot || answer != "answer" {
				t.Errorf("answer %d %q", status, answer)
			}
			// A call of an API is the stage's from here on, and its trace continues below.
			if strings.HasPrefix(got.URI, "/restapis/") {
				if !strings.HasPrefix(got.Trace, "Root=1-5759e988-bd862e3fe1be46a994272793"+";Parent=") || got.Trace == testTrace {
					t.Errorf("trace %s", got.Trace)
				}
				got.Trace = testTrace
			}
			if diff := cmp.Diff(seen{"PUT", tc.want, "localhost:" + req.URL.Port(), "body", "Bearer t", testTrace}, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRoutesWithoutAnAPI(t *testing.T) {
	t.Parallel()
	origin := restAPIs(t, "", func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the emulator got %s", r.URL) })
	for _, path := range []string{"/api/guest", "/production/api/guest"} {
		status, header, body := upstreamtest.Do(t, request(t, http.MethodGet, origin+path, ""))
		if status != http.StatusServiceUnavailable || header.Get("Content-Type") != "application/problem+json" || !strings.Contains(body, "not deployed") {
			t.Errorf("%d %v %s", status, header, body)
		}
	}
}
