package hostedpages

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// appRequest is the request that an app sent the person here with. It goes from page to page
// unchanged and is checked on each of them, because each can be reached directly.
type appRequest struct {
	values url.Values
	// language is a tag such as "de-AT", or empty: lang in the app's request, else the
	// browser's first choice.
	language string
	client   upstream.AppClient
	pool     upstream.Pool
}

// appFields are the parameters of an app's request that the pages carry.
var appFields = []string{
	"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method", "nonce", "lang",
}

// appValues picks the app's parameters. repeated is the first that came more than once,
// which OAuth forbids: two readers may not choose the same one of them.
func appValues(from url.Values) (values url.Values, repeated string) {
	values = url.Values{}
	for _, name := range appFields {
		switch v := from.Get(name); {
		case len(from[name]) > 1:
			repeated = cmp.Or(repeated, name)
		case v != "":
			values.Set(name, v)
		}
	}
	return values, repeated
}

// query reads the parameters of a link. If they are not encoded as a query, two readers may
// not find the same ones, so query answers.
func (p *Pages) query(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.refusePage(w, http.StatusBadRequest, "The link could not be read (invalid_request).")
		return nil, false
	}
	return given, true
}

// appRequest checks the app's parameters as the authorize endpoint does: client,
// redirect address, response type, scopes, PKCE. If they are wrong it answers and ok is
// false: with a page until the address is known to be registered, then by a redirect that
// tells the app the error
// (https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html).
func (p *Pages) appRequest(w http.ResponseWriter, r *http.Request, given url.Values) (req appRequest, ok bool) {
	ctx := context.WithoutCancel(r.Context())
	values, repeated := appValues(given)
	if repeated == "client_id" || repeated == "redirect_uri" {
		p.refusePage(w, http.StatusBadRequest, "The parameter "+repeated+" came more than once (invalid_request).")
		return appRequest{}, false
	}
	if values.Get("client_id") == "" {
		p.refusePage(w, http.StatusBadRequest, missing(values))
		return appRequest{}, false
	}
	cl, pool, found, err := p.up.ClientPool(ctx, values.Get("client_id"))
	if err != nil {
		p.logError(ctx, "client lookup", err)
		p.refusePage(w, http.StatusInternalServerError, "The sign-in pages are not available at the moment.")
		return appRequest{}, false
	}
	if to := values.Get("redirect_uri"); found && slices.Contains(cl.Callbacks, to) {
		if code := refusal(cl, values.Get("response_type"), repeated); code != "" {
			leadTo(w, http.StatusFound, withError(to, code, values.Get("state")))
			return appRequest{}, false
		}
	}
	reply := p.authorize(ctx, r, values)
	switch {
	case reply.Status == http.StatusFound: // an error for the app, at its registered address
		reply.Release(w)
		return appRequest{}, false
	case found && reply.Status != http.StatusOK && missing(values) != "":
		p.refusePage(w, http.StatusBadRequest, missing(values))
		return appRequest{}, false
	case reply.Status != http.StatusOK || !isHTML(reply) || !found:
		p.refuseReply(w, reply)
		return appRequest{}, false
	}
	if values.Get("redirect_uri") == "" { // the client's default, which the emulator filled in
		form, _ := readPage(reply.Body)
		if i := slices.IndexFunc(form.Hidden, func(h Hidden) bool { return h.Name == "redirect_uri" }); i >= 0 {
			values.Set("redirect_uri", form.Hidden[i].Value)
		}
	}
	return appRequest{values: values, language: wishedLanguage(values, r), client: cl, pool: pool}, true
}

// languageTag is the tag that a text begins with.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*`)

// wishedLanguage is that of the app's link, as managed login takes it
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-managed-login.html),
// else the first that the browser asks for.
func wishedLanguage(values url.Values, r *http.Request) string {
	return cmp.Or(languageTag.FindString(values.Get("lang")), languageTag.FindString(r.Header.Get("Accept-Language")))
}

// missing says which parameters the app's request lacks, if any.
func missing(values url.Values) string {
	var names []string
	for _, name := range []string{"client_id", "redirect_uri", "response_type"} {
		if values.Get(name) == "" {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "The link lacks " + names[0] + ". The app sends it (invalid_request)."
	}
	last := len(names) - 1
	return "The link lacks " + strings.Join(names[:last], ", ") + " and " + names[last] + ". The app sends them (invalid_request)."
}

// refusal is the error of a request whose client and address are right, of those that the
// emulator does not send to the app.
func refusal(cl upstream.AppClient, responseType, repeated string) string {
	flow, known := map[string]string{"code": "code", "token": "implicit"}[responseType]
	switch {
	case !known || repeated != "":
		return "invalid_request"
	case !slices.Contains(cl.OAuthFlows, flow):
		return "unauthorized_client"
	case flow == "implicit": // the emulator has none
		return "unsupported_response_type"
	}
	return ""
}

// withError is an app's address with the error and the state that the app sent.
func withError(to, code, state string) string {
	values := url.Values{"error": {code}}
	if state != "" {
		values.Set("state", state)
	}
	separator := "?"
	if strings.Contains(to, "?") {
		separator = "&"
	}
	return to + separator + values.Encode()
}

// authorize calls the emulator's authorize endpoint.
func (p *Pages) authorize(ctx context.Context, r *http.Request, values url.Values) *upstream.Answer {
	ask := r.Clone(ctx)
	ask.Method, ask.URL = http.MethodGet, &url.URL{Path: "/oauth2/authorize", RawQuery: values.Encode()}
	ask.Header.Del("Content-Type")
	return p.up.Forward(ctx, ask, nil)
}

// path is the address of a page with the app's request and more parameters.
func (a appRequest) path(page string, more ...string) string {
	values := maps.Clone(a.values)
	for i := 0; i+1 < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	return page + "?" + values.Encode()
}

// note tells the proxy's trail which user a form is about: the form itself may not say it.
func (a appRequest) note(w http.ResponseWriter, name string) {
	w.Header().Set(upstream.NoteUser, url.QueryEscape(name))
	w.Header().Set(upstream.NoteClient, a.client.ID)
}

// hidden are the app's parameters as fields of a form.
func (a appRequest) hidden() []Hidden {
	var out []Hidden
	for _, name := range slices.Sorted(maps.Keys(a.values)) {
		out = append(out, Hidden{Name: name, Value: a.values.Get(name)})
	}
	return out
}

// byAddress reports whether people of the pool sign in with their email address.
func (a appRequest) byAddress() bool { return slices.Contains(a.pool.Aliases, "email") }

// postedForm reads a form of a page that this browser was given. A form that Go cannot read is refused: the emulator
// might read it differently from what was checked.
func (p *Pages) postedForm(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, upstream.MaxBody))
	if err != nil {
		return nil, false // too large, or the browser went away
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		p.refusePage(w, http.StatusBadRequest, "The form could not be read.")
		return nil, false
	}
	return form, p.guarded(w, r, form)
}

func isHTML(reply *upstream.Answer) bool {
	return strings.HasPrefix(reply.Header.Get("Content-Type"), "text/html")
}

// ask makes an unsigned call of the Cognito API in the person's name. It takes the same
// way as every other caller's: triggers, errors and records are the same. The
// error is an *upstream.CognitoError unless the call could not be made at all.
func (p *Pages) ask(r *http.Request, action string, in map[string]any, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	ctx := context.WithoutCancel(r.Context())
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	call.Host, call.RemoteAddr = r.Host, r.RemoteAddr
	call.Header.Set("X-Amz-Target", upstream.CognitoTarget+action)
	call.Header.Set("Content-Type", "application/x-amz-json-1.1")
	for _, name := range []string{upstream.TraceHeader, "User-Agent"} {
		if v := r.Header.Get(name); v != "" {
			call.Header.Set(name, v)
		}
	}
	reply := upstream.Record(p.cfg.Calls, call)
	if reply.Status != http.StatusOK {
		api := reply.Err()
		return upstream.Refuse(api.Code, api.Message)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(reply.Body, out); err != nil {
		return fmt.Errorf("%s: answer: %w", action, err)
	}
	return nil
}

// person names client and user in a call, with the proof that a client with a
// secret needs. Triggers and their texts learn the person's language from it.
func (a appRequest) person(name string, more map[string]any) map[string]any {
	in := map[string]any{"ClientId": a.client.ID, "Username": name}
	if a.language != "" {
		in["ClientMetadata"] = map[string]string{"lang": a.language}
	}
	if a.client.Secret != "" {
		in["SecretHash"] = a.client.SecretHash(name)
	}
	maps.Copy(in, more)
	return in
}
