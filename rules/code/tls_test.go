package code

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// transportFile is where deployed code makes its own transports: their roots, and what
// follows if those verify nothing, are tested there.
const transportFile = "lambdakit/publish/http.go"

// endpointFile asks an old system, which is not AWS: the machine's roots, no redirects, and
// tests of its own for servers that nobody should trust.
const endpointFile = "services/migration/internal/usermigration/endpoint.go"

// transports reports deployed code that makes a transport or a TLS configuration of its
// own, and code that does not verify a server.
func transports(all []source) []string {
	deployed := regexp.MustCompile(`^(services|lambdakit|contracts|examples)/`)
	var out []string
	for _, s := range all {
		if !deployed.MatchString(s.path) || strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if slices.Contains([]string{"InsecureSkipVerify", "VerifyPeerCertificate", "VerifyConnection"}, n.Name) {
					out = append(out, s.position(n)+": "+n.Name+": let crypto/tls verify the server")
				}
			case *ast.SelectorExpr:
				name := selector(n)
				if s.path != transportFile && s.path != endpointFile && slices.Contains([]string{"http.Transport", "http.DefaultTransport", "tls.Config", "x509.NewCertPool", "x509.SystemCertPool"}, name) &&
					s.path != "lambdakit/publish/roots.go" {
					out = append(out, s.position(n)+": "+name+": use an SDK client, or the one of "+transportFile)
				}
			}
			return true
		})
	}
	return out
}

// selector is a qualified name, such as http.Transport, or empty.
func selector(n *ast.SelectorExpr) string {
	if x, ok := n.X.(*ast.Ident); ok {
		return x.Name + "." + n.Sel.Name
	}
	return ""
}

func TestTransports(t *testing.T) {
	t.Parallel()
	repository.Report(t, transports(sources(t)))
}

func TestTransportsPlanted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, text string
		finds      int
	}{
		"transport":      {"services/api/a.go", "package a\nvar t = http.Transport{}\n", 1},
		"configuration":  {"services/api/a.go", "package a\nvar t = &tls.Config{MinVersion: tls.VersionTLS13}\n", 1},
		"default":        {"examples/a.go", "package a\nfunc f() { http.DefaultTransport = nil }\n", 1},
		"pool":           {"lambdakit/rest/a.go", "package a\nvar p = x509.NewCertPool()\n", 1},
		"not_verified":   {transportFile, "package a\nvar t = &tls.Config{InsecureSkipVerify: true}\n", 1},
		"own_verifier":   {transportFile, "package a\nfunc f(c *tls.Config) { c.VerifyConnection = nil }\n", 1},
		"the_one_place":  {transportFile, "package a\nvar t = http.Transport{TLSClientConfig: &tls.Config{}}\n", 0},
		"test":           {"services/api/a_test.go", "package a\nvar t = http.Transport{}\n", 0},
		"tool":           {"tools/internal/a.go", "package a\nvar t = http.Transport{}\n", 0},
		"another_symbol": {"services/api/a.go", "package a\nvar t = http.Client{}\n", 0},
	} {
		s, err := parseGo(tc.path, tc.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := transports([]source{s}); len(got) != tc.finds {
			t.Errorf("%s: %q, want %d findings", name, got, tc.finds)
		}
	}
}
