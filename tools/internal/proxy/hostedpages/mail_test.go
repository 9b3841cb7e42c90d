package hostedpages

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/proxy/upstreamtest"
)

const mailList = "/_ministack/ses/messages"

func TestMailbox(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	f.Replies[mailList] = upstreamtest.Reply{Status: 200, Body: `{"messages":{"000000000000":[
		{"To":["a@x.example"],"Subject":"Your verification code","BodyText":"Your verification code is 123456.","BodyHtml":"","Timestamp":1796015945.5,"Type":"CognitoVerificationMessage"},
		{"MessageId":"m2@x","To":["b@x.example"],"Subject":"<b>Hello</b>","BodyText":"","BodyHtml":"<head><title>x</title></head><style>p{}</style><p>Dear <b>B</b>,</p><p>654321 people<script>alert(1)</script></p>","Timestamp":1796015947,"Type":"SendEmail"},
		{"To":["c@x.example"],"Subject":"Your temporary password","BodyText":"Your temporary password is 111111.","BodyHtml":null,"Timestamp":1796015946,"Type":"CognitoInvitationMessage"}]}}`}
	_, origin := start(t, f)
	status, header, body := visit(t, origin+MailPath)
	if status != 200 || header.Get("Cache-Control") != "no-store" || !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("status %d, %v", status, header)
	}
	var subjects []string
	for _, m := range regexp.MustCompile(`<h2>(.*)</h2>`).FindAllStringSubmatch(body, -1) {
		subjects = append(subjects, m[1])
	}
	if diff := cmp.Diff([]string{"&lt;b&gt;Hello&lt;/b&gt;", "Your temporary password", "Your verification code"}, subjects); diff != "" {
		t.Errorf("the newest first (-want +got):\n%s", diff)
	}
	for _, text := range []string{"To a@x.example, <time", "<p>Dear B,</p>", "<p>654321 people</p>", "Code: <code>123456</code>", "<code>" + resetCode + "</code>"} {
		if !strings.Contains(body, text) {
			t.Errorf("no %q in %s", text, body)
		}
	}
	if n := strings.Count(body, "Code: "); n != 1 || strings.Contains(body, "alert(1)") || strings.Contains(body, "p{}") {
		t.Errorf("%d codes in %s", n, body)
	}
}

// TestLetter: the HTML of a mail is shown in a frame that can do nothing.
func TestLetter(t *testing.T) {
	t.Parallel()
	f := upstreamtest.New(t)
	const letter = `<style>p{}</style><p>Dear <b>B</b></p><script>alert(1)</script>`
	f.Replies[mailList] = upstreamtest.Reply{Status: 200, Body: `{"messages":{"000000000000":[
		{"MessageId":"m1@x","To":["a@x.example"],"Subject":"Plain","BodyText":"Hello","BodyHtml":"","Timestamp":1,"Type":"SendEmail"},
		{"MessageId":"m2@x","To":["b@x.example"],"Subject":"A \"letter\"","BodyText":"","BodyHtml":"` + letter + `","Timestamp":2,"Type":"SendEmail"}]}}`}
	_, origin := start(t, f)
	for width, class := range map[string]string{"": "desktop", "phone": "phone", "desktop": "desktop", "x": "desktop"} {
		_, header, body := visit(t, origin+MailPath+"?width="+width)
		if frame := `<iframe class="letter ` + class + `" sandbox title="A &#34;letter&#34;" src="` + MailPath + `?message=m2%40x"></iframe>`; strings.Count(body, "<iframe") != 1 || !strings.Contains(body, frame) {
			t.Errorf("width %q: no %s in %s", width, frame, body)
		}
		if !strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors 'none'; style-src 'self'; img-src 'self'; frame-src 'self'") {
			t.Errorf("page: %v", header)
		}
	}
	status, header, body := visit(t, origin+MailPath+"?message=m2%40x")
	policy := header.Get("Content-Security-Policy")
	if status != 200 || body != letter || header.Get("X-Frame-Options") != "SAMEORIGIN" || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("letter: %d %v %s", status, header, body)
	}
	if policy != "default-src 'none'; base-uri 'none'; frame-ancestors 'self'; style-src 'unsafe-inline'; sandbox" {
		t.Errorf("letter: %s", policy)
	}
	for _, id := range []string{"m1@x", "m3@x"} {
		if status, _, body := visit(t, origin+MailPath+"?message="+id); status != 404 || strings.Contains(body, "Hello") {
			t.Errorf("%s: %d %s", id, status, body)
		}
	}
}

func TestMailboxWithoutMail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply  upstreamtest.Reply
		status int
		want   string
	}{
		"empty":   {upstreamtest.Reply{Status: 200, Body: `{"messages":{}}`}, 200, `<a href="/app">Create an account</a>`},
		"refused": {upstreamtest.Reply{Status: 500}, 502, unavailable},
		"broken":  {upstreamtest.Reply{Status: 200, Body: `<`}, 502, unavailable},
	} {
		f := upstreamtest.New(t)
		f.Replies[mailList] = tc.reply
		_, origin := start(t, f)
		if status, _, body := visit(t, origin+MailPath); status != tc.status || !strings.Contains(body, tc.want) || strings.Contains(body, "<article") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestPagesWithACodeLeadToTheMailbox(t *testing.T) {
	t.Parallel()
	_, origin := start(t, upstreamtest.New(t))
	for _, path := range []string{"/confirm", "/confirmforgotPassword"} {
		if _, _, body := visit(t, origin+path+"?"+appQuery().Encode()); !strings.Contains(body, `<a href="`+MailPath+`">Read the mail</a>`) {
			t.Errorf("%s: %s", path, body)
		}
	}
}
