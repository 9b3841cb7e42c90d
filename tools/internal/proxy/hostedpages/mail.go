package hostedpages

// This closes no gap: the emulator keeps every mail that Cognito and SES would send, and
// sends none. It is a page to read them on.

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// MailPath is where the proxy shows the mails of the local system.
const MailPath = "/_gatehouse/mail"

// mostMails is how many mails the page shows.
const mostMails = 100

// mailbox is what the page shows.
type mailbox struct {
	Brand, Prefix, App, Self string
	SignUpCode, ResetCode    string
	Problem                  string
	Width                    string // of HTML mails: one of widths
	Widths                   []string
	Mails                    []mail
}

// widths are the screens that HTML mails are shown for.
func widths() []string { return []string{"phone", "desktop"} }

// mail is one that would have been sent.
type mail struct {
	ID                string
	To, Subject, Code string
	At                time.Time
	Text              []string // its lines
	HTML              string   // empty in a mail of plain text
	Link              string   // of a sign-in by mail
}

// mails shows what was sent, the newest first. Package origins keeps the pages of other
// sites away from it, as from every path that it does not list.
func (p *Pages) mails(w http.ResponseWriter, r *http.Request) {
	box := mailbox{
		Brand: p.templates.Name, Prefix: assetsPrefix, App: AppPath, Self: MailPath,
		SignUpCode: upstream.VerificationCode, ResetCode: resetCode, Width: "desktop", Widths: widths(),
	}
	if width := r.URL.Query().Get("width"); slices.Contains(widths(), width) {
		box.Width = width
	}
	status := http.StatusOK
	var err error
	if box.Mails, err = p.sentMails(r); err != nil {
		p.logError(r.Context(), "mailbox", err)
		box.Problem, status = unavailable, http.StatusBadGateway
	}
	if id := r.URL.Query().Get("message"); id != "" {
		p.letter(w, box.Mails, id)
		return
	}
	err = p.templates.draw(w, status, "mail.html", "style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'none'", box)
	p.logError(r.Context(), "page not drawn", err)
}

// letter is the HTML of a mail, for the frame in which the page shows it. It loads and runs
// nothing, whatever it contains.
func (p *Pages) letter(w http.ResponseWriter, mails []mail, id string) {
	i := slices.IndexFunc(mails, func(m mail) bool { return m.ID == id && m.HTML != "" })
	protect(w.Header(), "style-src 'unsafe-inline'; sandbox")
	if i < 0 {
		http.Error(w, "There is no such mail.", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "frame-ancestors 'none'", "frame-ancestors 'self'", 1))
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, mails[i].HTML) // the browser went away
}

// sentMails asks the emulator.
func (p *Pages) sentMails(r *http.Request) ([]mail, error) {
	ask := r.Clone(r.Context())
	ask.Method, ask.URL = http.MethodGet, &url.URL{Path: "/_ministack/ses/messages"}
	reply := p.up.Forward(r.Context(), ask, nil)
	var out struct {
		Accounts map[string][]struct {
			MessageID string `json:"MessageId"`
			To        []string
			Subject   string
			Type      string
			BodyText  string
			BodyHTML  string `json:"BodyHtml"`
			Timestamp float64
		} `json:"messages"`
	}
	if reply.Status != http.StatusOK {
		return nil, fmt.Errorf("list of mails: status %d", reply.Status)
	}
	if err := json.Unmarshal(reply.Body, &out); err != nil {
		return nil, fmt.Errorf("list of mails: %w", err)
	}
	var mails []mail
	for _, sent := range out.Accounts {
		for _, m := range sent {
			text := m.BodyText
			if strings.TrimSpace(text) == "" {
				text = plain(m.BodyHTML)
			}
			one := mail{
				ID: m.MessageID, HTML: m.BodyHTML, To: strings.Join(m.To, ", "), Subject: m.Subject, At: time.UnixMicro(int64(m.Timestamp * 1e6)),
				Text: strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }),
			}
			// The frame of a mail is sandboxed: its links lead nowhere.
			one.Link = signInLink.FindString(text)
			if m.Type == "CognitoVerificationMessage" || m.Type == "CognitoEmailOtpMessage" {
				one.Code = sentCode.FindString(text)
			}
			mails = append(mails, one)
		}
	}
	slices.SortStableFunc(mails, func(a, b mail) int { return b.At.Compare(a.At) })
	return mails[:min(len(mails), mostMails)], nil
}

// sentCode finds a code of Cognito in a text.
var sentCode = regexp.MustCompile(`\b\d{6}\b`)

// signInLink finds the link of a sign-in by mail in a text. It leads to the page of this proxy.
var signInLink = regexp.MustCompile(`http://127\.0\.0\.1:\d+` + SignInPath + `#signin=[\w-]+`)

// plain is the text of a mail that has HTML only, without what no reader shows. Each block
// is a line.
func plain(source string) string {
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		return ""
	}
	var b strings.Builder
	var write func(*html.Node)
	write = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			b.WriteString(strings.NewReplacer("\n", " ", "\r", " ").Replace(n.Data))
		case n.Type == html.ElementNode && slices.Contains([]string{"head", "script", "style", "template"}, n.Data):
			return
		case n.Type == html.ElementNode && slices.Contains([]string{"br", "div", "h1", "h2", "h3", "li", "p", "td", "tr"}, n.Data):
			b.WriteByte('\n')
		}
		for child := range n.ChildNodes() {
			write(child)
		}
	}
	write(root)
	return b.String()
}
