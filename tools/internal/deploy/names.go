package deploy

import (
	"context"
	"crypto/sha256"
	_ "embed" // the zone's template
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/layout"
)

// zone is the domain of the local system. RFC 2606 keeps .test for such.
const zone = "gatehouse.test"

//go:embed zone.yaml
var zoneTemplate string

// ownNames gives the system names of its own, as an installation on AWS has them:
// a zone, which stands for the domain that somebody owns, and the certificate stack,
// deployed as it is. Both go by CloudFormation itself and not by SAM, which would
// take as long for them as for a stack with functions.
type ownNames struct {
	Instance, Fingerprint        string
	HostedZoneID, CertificateARN string
}

// parameters of the stack that has a name in the zone; other stacks lack them.
func (n ownNames) parameters(stack string) map[string]string {
	if n.CertificateARN == "" {
		return nil
	}
	return map[string]string{"CertificateArn": n.CertificateARN, "DomainName": nameOf(stack), "HostedZoneId": n.HostedZoneID}
}

// nameOf is a stack's name in the zone.
func nameOf(stack string) string {
	if stack == "platform" {
		stack = "signin"
	}
	return stack + "." + zone
}

func namesFile(l layout.Layout) string { return filepath.Join(l.Dir, "state", "names.json") }

// readNames reads what the last run wrote; there is nothing before the first.
func readNames(l layout.Layout) (ownNames, error) {
	var n ownNames
	raw, err := os.ReadFile(namesFile(l))
	if errors.Is(err, os.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return n, fmt.Errorf("os.ReadFile: %w", err)
	}
	if err := json.Unmarshal(raw, &n); err != nil {
		return n, fmt.Errorf("json.Unmarshal %s: %w", namesFile(l), err)
	}
	return n, nil
}

// ownNames makes the zone and the certificate, unless this emulator has them.
func (d *Deployer) ownNames(ctx context.Context) error {
	certificate, err := os.ReadFile(filepath.Join(d.Layout.Root, "platform", "certificate.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		return nil // a repository without a platform, as tests have it
	}
	if err != nil {
		return fmt.Errorf("os.ReadFile: %w", err)
	}
	have, err := readNames(d.Layout)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(append([]byte(zoneTemplate), certificate...))
	want := ownNames{Instance: d.Instance, Fingerprint: hex.EncodeToString(sum[:])}
	if have.Instance == want.Instance && have.Fingerprint == want.Fingerprint {
		return nil
	}
	task := d.Board.Start("names", "making a zone and a certificate")
	if err := d.makeNames(ctx, &want, string(certificate)); err != nil {
		task.Fail("failed")
		return err
	}
	raw, err := json.Marshal(want)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	if err := files.Replace(namesFile(d.Layout), raw); err != nil {
		return fmt.Errorf("files.Replace: %w", err)
	}
	task.Done("made")
	return nil
}

func (d *Deployer) makeNames(ctx context.Context, n *ownNames, certificate string) error {
	made, err := recreate(ctx, d.cf, "gatehouse-"+d.Layout.Environment+"-zone", zoneTemplate, nil)
	if err != nil {
		return err
	}
	n.HostedZoneID = made["HostedZoneId"]
	// CloudFront, and so Cognito, takes certificates of this region only.
	cfg := d.Layout.Config()
	cfg.Region = "us-east-1"
	made, err = recreate(ctx, cloudformation.NewFromConfig(cfg), "gatehouse-"+d.Layout.Environment+"-certificate", certificate, map[string]string{
		"AlternativeName": nameOf("api"), "DomainName": nameOf("platform"),
		"Environment": d.Layout.Environment, "HostedZoneId": n.HostedZoneID,
	})
	n.CertificateARN = made["CertificateArn"]
	return err
}
