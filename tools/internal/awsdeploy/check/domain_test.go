package check

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

// fakeZone is Route 53 with one zone.
type fakeZone struct {
	name    string
	private bool
	record  string
	err     error
}

func (f fakeZone) GetHostedZone(context.Context, *route53.GetHostedZoneInput, ...func(*route53.Options)) (*route53.GetHostedZoneOutput, error) {
	return &route53.GetHostedZoneOutput{
		HostedZone:    &types.HostedZone{Name: aws.String(f.name + "."), Config: &types.HostedZoneConfig{PrivateZone: f.private}},
		DelegationSet: &types.DelegationSet{NameServers: []string{"ns-1.awsdns.example"}},
	}, f.err
}

func (f fakeZone) ListResourceRecordSets(context.Context, *route53.ListResourceRecordSetsInput, ...func(*route53.Options)) (*route53.ListResourceRecordSetsOutput, error) {
	return &route53.ListResourceRecordSetsOutput{ResourceRecordSets: []types.ResourceRecordSet{{Name: aws.String(f.record + "."), Type: types.RRTypeA}}}, nil
}

// fakeDNS knows who has an address, and one name server.
type fakeDNS struct {
	hosts map[string]bool
	ns    string
}

func (f fakeDNS) LookupHost(_ context.Context, host string) ([]string, error) {
	if f.hosts[host] {
		return []string{"192.0.2.1"}, nil
	}
	return nil, errors.New("no such host")
}

func (f fakeDNS) LookupNS(context.Context, string) ([]*net.NS, error) {
	if f.ns == "" {
		return nil, errors.New("no such host")
	}
	return []*net.NS{{Host: f.ns + "."}}, nil
}

func TestDomain(t *testing.T) {
	t.Parallel()
	const name = "signin.example.com"
	zone := fakeZone{name: "example.com"}
	dns := fakeDNS{hosts: map[string]bool{"example.com": true}, ns: "ns-1.awsdns.example"}
	alone := fakeDNS{ns: dns.ns}
	for label, tc := range map[string]struct {
		check Domain
		want  string
	}{
		"whole":           {Domain{zone, dns, name, "Z1", true}, "ok,ok"},
		"api":             {Domain{zone, alone, name, "Z1", false}, "ok"},
		"no_parent":       {Domain{zone, alone, name, "Z1", true}, "ok,stop"},
		"new_parent":      {Domain{fakeZone{name: "example.com", record: "example.com"}, alone, name, "Z1", true}, "ok,warning"},
		"another_zone":    {Domain{fakeZone{name: "ample.com"}, dns, name, "Z1", false}, "stop"},
		"private":         {Domain{fakeZone{name: "example.com", private: true}, dns, name, "Z1", false}, "stop"},
		"not_delegated":   {Domain{zone, fakeDNS{ns: "ns.elsewhere.example"}, name, "Z1", false}, "stop"},
		"unknown_to_dns":  {Domain{zone, fakeDNS{}, name, "Z1", false}, "warning"},
		"no_zone":         {Domain{nil, dns, name, "", true}, "warning,ok"},
		"missing":         {Domain{fakeZone{err: &types.NoSuchHostedZone{}}, dns, name, "Z1", false}, "stop"},
		"denied":          {Domain{fakeZone{err: denied()}, dns, name, "Z1", false}, "not checked"},
		"the_zone_itself": {Domain{zone, dns, "example.com", "Z1", false}, "ok"},
	} {
		if got := levels(tc.check.Look(t.Context())); got != tc.want {
			t.Errorf("%s: %s, want %s", label, got, tc.want)
		}
	}
}

// fakeMails is SES with one identity.
type fakeMails struct {
	verified, production bool
	identity, account    error
}

func (f fakeMails) GetEmailIdentity(context.Context, *sesv2.GetEmailIdentityInput, ...func(*sesv2.Options)) (*sesv2.GetEmailIdentityOutput, error) {
	return &sesv2.GetEmailIdentityOutput{VerifiedForSendingStatus: f.verified}, f.identity
}

func (f fakeMails) GetAccount(context.Context, *sesv2.GetAccountInput, ...func(*sesv2.Options)) (*sesv2.GetAccountOutput, error) {
	return &sesv2.GetAccountOutput{ProductionAccessEnabled: f.production}, f.account
}

func TestMail(t *testing.T) {
	t.Parallel()
	const arn, from = "arn:aws:ses:eu-central-1:111122223333:identity/example.com", "Acme <no-reply@example.com>"
	for name, tc := range map[string]struct {
		check Mail
		want  string
	}{
		"ready":      {Mail{fakeMails{verified: true, production: true}, arn, from}, "ok"},
		"sandbox":    {Mail{fakeMails{verified: true}, arn, from}, "warning"},
		"unverified": {Mail{fakeMails{production: true}, arn, from}, "stop"},
		"missing":    {Mail{fakeMails{identity: &sestypes.NotFoundException{}}, arn, from}, "stop"},
		"denied":     {Mail{fakeMails{identity: denied()}, arn, from}, "not checked"},
		"half":       {Mail{fakeMails{verified: true, account: denied()}, arn, from}, "not checked"},
		"cognitos":   {Mail{nil, "", ""}, "warning"},
		"no_sender":  {Mail{nil, arn, ""}, "stop"},
		"elsewhere":  {Mail{nil, arn, "no-reply@myexample.com"}, "stop"},
		"below":      {Mail{fakeMails{verified: true, production: true}, arn, "no-reply@Mail.Example.com"}, "ok"},
		"an_address": {Mail{fakeMails{verified: true, production: true}, "arn:aws:ses:eu-central-1:111122223333:identity/a@example.com", ""}, "ok"},
	} {
		found := tc.check.Look(t.Context())
		if got := levels(found); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
		if next := found[0].Next; strings.Contains(next, "aws ") && !strings.Contains(next, " --region eu-central-1 ") {
			t.Errorf("%s: a command without the region of the identity: %s", name, next)
		}
	}
}
