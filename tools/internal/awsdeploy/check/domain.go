package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// Zones are the calls of Route 53.
type Zones interface {
	GetHostedZone(context.Context, *route53.GetHostedZoneInput, ...func(*route53.Options)) (*route53.GetHostedZoneOutput, error)
	route53.ListResourceRecordSetsAPIClient
}

// Resolver makes the DNS queries.
type Resolver interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
	LookupNS(ctx context.Context, name string) ([]*net.NS, error)
}

// Domain checks a custom domain. It works only if this zone is delegated, and
// Cognito requires an address of the parent domain. CloudFormation would report
// either error after a quarter of an hour.
type Domain struct {
	API Zones
	DNS Resolver
	// Name is the domain, Zone the id of its zone; if it is empty, the
	// records are created elsewhere.
	Name, Zone string
	// Parent is set if the parent needs an address, as Cognito requires.
	Parent bool
}

// Look implements Check.
func (c Domain) Look(ctx context.Context) []Finding {
	var found []Finding
	if c.Zone == "" {
		found = append(found, Finding{Warning, "zone of " + c.Name, "no HostedZoneId is given", "create the records yourself, from the outputs"})
	} else {
		found = c.zone(ctx)
	}
	if c.Parent {
		found = append(found, c.parent(ctx)...)
	}
	return found
}

func (c Domain) zone(ctx context.Context) []Finding {
	what := "zone of " + c.Name
	out, err := c.API.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: &c.Zone})
	if missing := (*types.NoSuchHostedZone)(nil); errors.As(err, &missing) {
		return []Finding{{Stop, what, "no hosted zone " + c.Zone + " in this account", "aws route53 list-hosted-zones"}}
	}
	if err != nil {
		return unknown(what, "route53.GetHostedZone", err)
	}
	name := strings.TrimSuffix(aws.ToString(out.HostedZone.Name), ".")
	switch {
	case c.Name != name && !strings.HasSuffix(c.Name, "."+name):
		return []Finding{{Stop, what, fmt.Sprintf("%s is the zone of %s", c.Zone, name), "use the zone that contains the name"}}
	case out.HostedZone.Config != nil && out.HostedZone.Config.PrivateZone:
		return []Finding{{Stop, what, name + " is a private zone", "use the public zone: names of a private one do not resolve outside"}}
	case out.DelegationSet == nil:
		return []Finding{{NotChecked, what, "route53.GetHostedZone: no name servers in the answer", ""}}
	}
	asked, err := c.DNS.LookupNS(ctx, name)
	if err != nil {
		return []Finding{{Warning, what, fmt.Sprintf("no name servers found for %s: %v", name, err), "delegate it in its parent zone to " + strings.Join(out.DelegationSet.NameServers, ", ")}}
	}
	for _, ns := range asked {
		if slices.Contains(out.DelegationSet.NameServers, strings.TrimSuffix(ns.Host, ".")) {
			return []Finding{{OK, what, name + ", public and delegated to this zone", ""}}
		}
	}
	return []Finding{{Stop, what, name + " is delegated to other name servers than this zone's", "delegate it in its parent zone to " + strings.Join(out.DelegationSet.NameServers, ", ")}}
}

func (c Domain) parent(ctx context.Context) []Finding {
	_, parent, _ := strings.Cut(c.Name, ".")
	what := "parent of " + c.Name
	if hosts, err := c.DNS.LookupHost(ctx, parent); err == nil && len(hosts) > 0 {
		return []Finding{{OK, what, parent + " has an address", ""}}
	}
	if c.Zone != "" {
		// The record may be too new for the resolver.
		in := &route53.ListResourceRecordSetsInput{HostedZoneId: &c.Zone, StartRecordName: &parent, StartRecordType: types.RRTypeA, MaxItems: aws.Int32(1)}
		out, err := c.API.ListResourceRecordSets(ctx, in)
		if err == nil && len(out.ResourceRecordSets) > 0 && out.ResourceRecordSets[0].Type == types.RRTypeA &&
			strings.TrimSuffix(aws.ToString(out.ResourceRecordSets[0].Name), ".") == parent {
			return []Finding{{Warning, what, parent + " has an A record in the zone, but it does not resolve yet", "wait, then check again"}}
		}
	}
	return []Finding{{Stop, what, parent + " has no address, and Cognito refuses a domain whose parent has none",
		"create an A record for it; any address will do"}}
}
