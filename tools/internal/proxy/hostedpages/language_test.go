package hostedpages

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

// What a trigger says comes in the person's language, and is marked as such: the language
// of the app's link, else the browser's first choice.
func TestRefusalsInTheLanguageOfThePerson(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ link, browser, metadata, marked string }{
		"neither":       {"", "", "", ` lang="en"`},
		"link":          {"fr", "", `"ClientMetadata":{"lang":"fr"}`, ` lang="fr"`},
		"browser":       {"", "de-AT,de;q=0.9,en;q=0.8", `"ClientMetadata":{"lang":"de-AT"}`, ` lang="de"`},
		"link_first":    {"ja", "de", `"ClientMetadata":{"lang":"ja"}`, ` lang="ja"`},
		"not_a_tag":     {"", `"><script>`, "", ` lang="en"`},
		"not_written":   {"", "pt-BR", `"ClientMetadata":{"lang":"pt-BR"}`, ` lang="en"`},
		"hostile_link":  {`"><script>`, "", "", ` lang="en"`},
		"any_language":  {"", "*", "", ` lang="en"`},
		"several_links": {"es", "*", `"ClientMetadata":{"lang":"es"}`, ` lang="es"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := upstreamtest.New(t)
			f.Replies["SignUp"] = failing("UserLambdaValidationException", "PreSignUp failed with error Nein (address-refused).")
			_, origin := start(t, f)
			form := appQuery("username", "a@x.example", "password", "p", "password_again", "p", guardField, testGuard)
			if tc.link != "" {
				form.Set("lang", tc.link)
			}
			req := upstreamtest.Request(t, http.MethodPost, origin+"/signup", form.Encode())
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Accept-Language", tc.browser)
			req.AddCookie(&http.Cookie{Name: guardCookie, Value: testGuard})
			_, _, body := upstreamtest.Do(t, req)
			if !strings.Contains(body, `id="problem"`+tc.marked+`>Nein (address-refused).</p>`) {
				t.Errorf("page %s", body)
			}
			sent := strings.Join(f.Bodies(), "\n")
			if !strings.Contains(sent, tc.metadata) || tc.metadata == "" && strings.Contains(sent, "ClientMetadata") {
				t.Errorf("sent %s", sent)
			}
			if tc.link != "" && !strings.Contains(body, "lang="+url.QueryEscape(tc.link)) {
				t.Errorf("the links lose the language: %s", body)
			}
		})
	}
}
