package local

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/deploy"
	"gatehouse.example/tools/internal/proxy"
	"gatehouse.example/tools/internal/proxy/hostedpages"
	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/stacks"
)

// providerStack has the provider's secret where the platform's template reads it from.
const providerStack = `
Parameters:
  Name: {Type: String}
  Value: {Type: String, NoEcho: true}
Resources:
  Secret: {Type: AWS::SecretsManager::Secret, Properties: {Name: !Ref Name, SecretString: !Ref Value}}
Outputs:
  Arn: {Value: !GetAtt Secret.Id} # the emulator's !Ref is the name
`

// provide serves an identity provider and deploys the platform with it, by the parameters
// that any other provider has. When ctx is done, it deploys the platform without it.
func provide(ctx context.Context, l supervisor.Layout, name string, out *os.File) (err error) {
	if _, err := supervisor.Ready(l); err != nil {
		return err
	}
	all, err := stacks.Discover(l.Root)
	if err != nil {
		return fmt.Errorf("stacks.Discover: %w", err)
	}
	board := terminal.NewBoard(out)
	defer board.Close()
	p, failed, stop, err := serveProvider(ctx, l, name)
	if err != nil {
		return err
	}
	defer stop()
	without := l
	undo := context.WithoutCancel(ctx)
	cf, stack := cloudformation.NewFromConfig(l.Config()), "gatehouse-"+l.Environment+"-provider"
	made, err := deploy.Recreate(ctx, cf, stack, providerStack, map[string]string{
		"Name": "gatehouse/" + l.Environment + "/platform/provider", "Value": p.secret,
	})
	if err != nil {
		return fmt.Errorf("deploy.Recreate: %w", err)
	}
	defer func() {
		if resetErr := deployAll(undo, without, all, []string{"platform"}, board); resetErr != nil {
			err = errors.Join(err, fmt.Errorf("the platform still has the provider, run `gatehouse local deploy platform`: %w", resetErr))
		}
		err = errors.Join(err, cfn.DeleteStack(undo, cf, stack))
	}()
	l.Parameters = map[string]string{"OidcClientId": clientOfProvider, "OidcIssuer": p.issuer, "OidcSecretArn": made["Arn"], "ProviderName": name}
	if err := deployAll(ctx, l, all, []string{"platform"}, board); err != nil {
		return err
	}
	board.Print(fmt.Sprintf("\n%s is an identity provider of the pool: open %s, sign in, continue with %s.\n"+
		"  A browser asks whether to trust %s, whose certificate is signed by %s.\n  Ctrl-C deploys the platform without it.",
		name, l.URL()+hostedpages.AppPath, name, p.issuer, l.CAFile()))
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("http.Server.ServeTLS: %w", err)
	}
}

// serveProvider serves it on a port of its own, with the certificate of the local system.
func serveProvider(ctx context.Context, l supervisor.Layout, name string) (p *provider, failed <-chan error, stop func(), err error) {
	certificate, err := proxy.Certificate(l.CertificatesDir(), time.Now())
	if err != nil {
		return nil, nil, nil, fmt.Errorf("proxy.Certificate: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", supervisor.Host+":0")
	if err != nil {
		return nil, nil, nil, fmt.Errorf("net.Listen: %w", err)
	}
	p, err = newProvider(name, "https://"+listener.Addr().String(), rand.Text(), l.Port)
	if err != nil {
		return nil, nil, nil, errors.Join(err, listener.Close())
	}
	// The build has no HTTP/2 (nethttpomithttp2), and a browser must not be offered it.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server := &http.Server{
		Protocols: protocols, Handler: p.routes(), ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(listener, "", "") }()
	return p, ended, func() { _ = server.Close() }, nil
}
