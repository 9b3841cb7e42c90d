package edge

// Gap: the hosted sign-in page fires neither PreAuthentication nor
// PostAuthentication. Delete this file when the emulator fires them.

import (
	"bytes"
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"
)

// hostedSession remembers who began a sign-in whose next page carries only a
// token: choosing a factor, or setting a new password.
type hostedSession struct {
	clientID string
	name     string
	form     url.Values
	until    time.Time
}

// hostedLifetime is longer than the emulator's own sessions live.
const hostedLifetime = 30 * time.Minute

type hostedSessions struct {
	mu   sync.Mutex
	byID map[string]hostedSession
}

func newHostedSessions() *hostedSessions {
	return &hostedSessions{byID: map[string]hostedSession{}}
}

func (s *hostedSessions) put(id string, session hostedSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for old, kept := range s.byID {
		if now.After(kept.until) {
			delete(s.byID, old)
		}
	}
	session.until = now.Add(hostedLifetime)
	s.byID[id] = session
}

func (s *hostedSessions) get(id string) (hostedSession, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.byID[id]
	return session, ok
}

// hostedToken finds the token that a page of the emulator hands to the next step.
var hostedToken = regexp.MustCompile(`name="(?:ua_token|np_token)" value="([^"]+)"`)

// login handles a post of the sign-in page: PreAuthentication on the step that
// names the user, PostAuthentication before the redirect with the code is let go.
func (h *handler) login(w http.ResponseWriter, r *http.Request) {
	ctx := context.WithoutCancel(r.Context())
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, cognitoBodyLimit))
	if err != nil {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		h.forward(ctx, r, body).release(w)
		return
	}
	session, first := h.hostedStep(form)
	cl, p, ok, err := h.clientPool(ctx, session.clientID)
	if err == nil && !ok {
		h.forward(ctx, r, body).release(w)
		return
	}
	trace := r.Header.Get(traceHeader)
	if err == nil && first {
		err = h.preAuthenticate(ctx, cl, p, session.name, nil, trace)
	}
	if err != nil {
		h.hostedError(ctx, w, r, session, err)
		return
	}
	reply := h.forward(ctx, r, body)
	if m := hostedToken.FindSubmatch(reply.body.Bytes()); m != nil {
		h.hosted.put(html.UnescapeString(string(m[1])), session)
	}
	if issuesCode(reply) {
		if err := h.hostedSignedIn(ctx, cl, p, session, trace); err != nil {
			h.hostedError(ctx, w, r, session, err)
			return
		}
	}
	reply.release(w)
}

// hostedStep tells who signs in, and whether this is the step that names the user.
func (h *handler) hostedStep(form url.Values) (session hostedSession, first bool) {
	for _, field := range []string{"ua_token", "np_token"} {
		if id := form.Get(field); id != "" {
			session, _ = h.hosted.get(id)
			return session, false
		}
	}
	oauth := url.Values{}
	for _, field := range []string{"client_id", "redirect_uri", "scope", "state", "response_type", "code_challenge", "code_challenge_method", "nonce"} {
		if v := form.Get(field); v != "" {
			oauth.Set(field, v)
		}
	}
	return hostedSession{clientID: form.Get("client_id"), name: form.Get("username"), form: oauth}, true
}

// hostedSignedIn fires PostAuthentication for the person who filled in the page.
func (h *handler) hostedSignedIn(ctx context.Context, cl client, p pool, session hostedSession, trace string) error {
	u, found, err := h.dir.user(ctx, p.ID, session.name)
	if err != nil || !found {
		return err
	}
	return h.signedIn(ctx, cl, p, u.Name, nil, trace)
}

// issuesCode tells whether the reply sends the browser back to the app, signed in.
func issuesCode(reply *answer) bool {
	if reply.status != http.StatusFound {
		return false
	}
	to, err := url.Parse(reply.header.Get("Location"))
	return err == nil && to.Query().Get("code") != ""
}

// hostedError shows the sign-in page again with the text of the error, as managed
// login shows it.
func (h *handler) hostedError(ctx context.Context, w http.ResponseWriter, r *http.Request, session hostedSession, err error) {
	text := "Sign-in is not available."
	var failure *cognitoError
	if errors.As(err, &failure) {
		text = failure.Message
	} else {
		h.log.ErrorContext(ctx, "hosted sign-in failed", "error", err.Error())
	}
	notice := []byte(`<div class="error">` + html.EscapeString(text) + `</div>`)
	again := r.Clone(ctx)
	again.Method, again.URL = http.MethodGet, &url.URL{Path: "/oauth2/authorize", RawQuery: session.form.Encode()}
	again.Header.Del("Content-Type")
	page := h.forward(ctx, again, nil)
	if before, after, ok := bytes.Cut(page.body.Bytes(), []byte("<form")); ok && page.status == http.StatusOK {
		shown := bytes.Join([][]byte{before, notice, []byte("\n<form"), after}, nil)
		page.body.Reset()
		page.body.Write(shown)
		page.header.Del("Content-Length")
		page.release(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(append([]byte("<!DOCTYPE html><title>Sign in</title>"), notice...))
}
