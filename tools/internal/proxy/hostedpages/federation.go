package hostedpages

// Gap: the emulator leads to any provider of the pool, takes whoever comes back, and calls
// no trigger but PreSignUp. Delete this file when it does none of it. cognito/federation.py
// has what only the emulator's process can do.

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"gatehouse.example/tools/internal/proxy/upstream"
)

const (
	// ownProvider names the pool itself among an app client's providers.
	ownProvider = "COGNITO"
	// providerCallback is where a provider of OpenID Connect sends people back to.
	providerCallback = "/oauth2/idpresponse"
)

// departure is what the pages remember of a person who is at an identity provider.
type departure struct {
	request appRequest
	browser string
}

// toProvider leads to the identity provider that the app names, if its client has it.
func (p *Pages) toProvider(w http.ResponseWriter, r *http.Request, req appRequest, name string) {
	if !slices.Contains(req.client.Providers, name) {
		p.refusePage(w, http.StatusBadRequest, "The app has no identity provider of this name (invalid_request).")
		return
	}
	values := maps.Clone(req.values)
	values.Set("identity_provider", name)
	reply := p.authorize(r.Context(), r, values)
	to, err := url.Parse(reply.Header.Get("Location"))
	if reply.Status != http.StatusFound || err != nil {
		p.refusePage(w, http.StatusBadGateway, "The identity provider cannot be reached (invalid_request).")
		return
	}
	if state := to.Query().Get("state"); state != "" {
		p.departed.put(state, departure{req, guard(w, r).Value})
	}
	leadTo(w, http.StatusFound, to.String())
}

// fromProvider receives a person that a provider sends back, in the browser that left, and
// calls Federated before the app gets its code.
func (p *Pages) fromProvider(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // Cognito asks for no other response mode
		w.Header().Set("Allow", http.MethodGet)
		p.refusePage(w, http.StatusMethodNotAllowed, "Use GET (invalid_request).")
		return
	}
	given, ok := p.query(w, r)
	if !ok {
		return
	}
	left, known := p.departed.get(given.Get("state"))
	if !known || left.browser != browser(r) {
		p.refusePage(w, http.StatusBadRequest, "This took too long, or was already done (invalid_request).")
		return
	}
	p.departed.drop(given.Get("state"))
	ctx, req := context.WithoutCancel(r.Context()), left.request
	reply := p.up.Forward(ctx, r, nil)
	name, err := url.QueryUnescape(reply.Header.Get(upstream.NoteUser))
	if reply.Status != http.StatusFound || err != nil {
		p.refuseReply(w, reply)
		return
	}
	if issuesCode(reply) {
		first := reply.Header.Get(upstream.NoteFirst) == "true"
		if err := p.cfg.Federated(ctx, req.client, req.pool, name, first, r.Header.Get(upstream.TraceHeader)); err != nil {
			p.logUnlessCognito(ctx, "federated sign-in failed", err)
			reply.Header.Set("Location", req.withFailure(err))
		}
	}
	reply.Header.Set(upstream.NoteClient, req.client.ID)
	reply.Release(w)
}

// withFailure is the app's address with what a trigger said
// (https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoint-idp-responses.html).
func (a appRequest) withFailure(err error) string {
	text := unavailable
	if failure := (*upstream.CognitoError)(nil); errors.As(err, &failure) {
		text = failure.Message
	}
	return withError(a.values.Get("redirect_uri"), "invalid_request", a.values.Get("state")) + "&error_description=" + url.QueryEscape(text)
}

// providerLinks lead from the sign-in page to the client's identity providers.
func (a appRequest) providerLinks() []Link {
	var links []Link
	for _, name := range a.client.Providers {
		if name != ownProvider {
			links = append(links, Link{Text: "Continue with " + name, URL: a.path("/oauth2/authorize", "identity_provider", name)})
		}
	}
	return links
}
