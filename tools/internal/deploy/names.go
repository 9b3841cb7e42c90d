package deploy

import (
	"context"
	"crypto/sha256"
	_ "embed" // the zone's template
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/supervisor"
)

// zone is the domain of the local system. RFC 2606 reserves .test for this.
const zone = "gatehouse.test"

//go:embed zone.yaml
var zoneTemplate string

// ownNames are the domain names of the local system: a hosted zone, which replaces
// an owner's domain, and the certificate stack. Both are deployed without SAM,
// which would be slow.
type ownNames struct {
	Instance, Fingerprint        string
	HostedZoneID, CertificateARN string
}

// parameters are for the stacks that have a name in the zone.
func (n ownNames) parameters(stack string) map[string]string {
	if n.CertificateARN == "" {
		return nil
	}
	return map[string]string{"CertificateArn": n.CertificateARN, "DomainName": nameOf(stack), "HostedZoneId": n.HostedZoneID}
}

func nameOf(stack string) string {
	if stack == "platform" {
		stack = "signin"
	}
	return stack + "." + zone
}

func namesFile(l supervisor.Layout) string { return filepath.Join(l.Dir, "state", "names.json") }

func readNames(l supervisor.Layout) (ownNames, error) {
	var n ownNames
	err := files.ReadJSON(namesFile(l), &n)
	return n, err
}

// ownNames creates the zone and the certificate if this emulator does not have them.
func (d *Deployer) ownNames(ctx context.Context) error {
	certificate, err := os.ReadFile(filepath.Join(d.Layout.Root, "platform", "certificate.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		return nil // tests use repositories without a platform
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
	if err := files.WriteJSON(namesFile(d.Layout), want); err != nil {
		return err
	}
	task.Done("made")
	return nil
}

func (d *Deployer) makeNames(ctx context.Context, n *ownNames, certificate string) error {
	made, err := Recreate(ctx, d.cf, "gatehouse-"+d.Layout.Environment+"-zone", zoneTemplate, nil)
	if err != nil {
		return err
	}
	n.HostedZoneID = made["HostedZoneId"]
	// CloudFront, and so Cognito, requires certificates of this region.
	cfg := d.Layout.Config()
	cfg.Region = "us-east-1"
	made, err = Recreate(ctx, cloudformation.NewFromConfig(cfg), "gatehouse-"+d.Layout.Environment+"-certificate", certificate, map[string]string{
		"AlternativeName": nameOf("api"), "DomainName": nameOf("platform"),
		"Environment": d.Layout.Environment, "HostedZoneId": n.HostedZoneID,
	})
	n.CertificateARN = made["CertificateArn"]
	return err
}

// Recreate creates a stack and returns its outputs. An existing stack has an
// older template and no data; it is deleted first.
func Recreate(ctx context.Context, cf *cloudformation.Client, name, template string, parameters map[string]string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if _, err := cfn.Settle(ctx, cf, name); err != nil {
		return nil, err
	}
	if err := cfn.DeleteStack(ctx, cf, name); err != nil {
		return nil, err
	}
	in := cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template, Parameters: cfn.Parameters(parameters)}
	if err := cfn.CreateStack(ctx, cf, in); err != nil {
		return nil, err
	}
	return cfn.Outputs(ctx, cf, name)
}
