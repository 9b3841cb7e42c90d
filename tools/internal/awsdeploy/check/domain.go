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

// Zones is what is asked of Route 53.
type Zones interface {
	GetHostedZone(context.Context, *route53.GetHostedZoneInput, ...func(*route53.Options)) (*route53.GetHostedZoneOutput, error)
	ListResourceRecordSets(context.Context, *route53.ListResourceRecordSetsInput, ...func(*route53.Options)) (*route53.ListResourceRecordSetsOutput, error)
}

// Resolver is what is asked of the DNS.
type Resolver interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
	LookupNS(ctx context.Context, name string) ([]*net.NS, error)
}

// Domain: a name of one's own works only if the world asks this zone about it,
// and Cognito takes one only if its parent has an address. CloudFormation tells
// neither before a quarter of an hour has gone.
type Domain struct {
	API Zones
	DNS Resolver
	// Name is the domain, Zone the id of its zone; an empty zone means that the
	// records are made elsewhere.
	Name, Zone string
	// Parent says that the parent needs an address: Cognito's condition.
	Parent bool
}

// Look implements Check.
func (c Domain) Look(ctx context.Context) []Finding {
	var found []Finding
	if c.Zone == "" {
		found = append(found, Finding{Warning, "zone of " + c.Name, "no HostedZoneId is given", "make the records yourself, from the outputs"})
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
		return []Finding{{Stop, what, "there is no hosted zone " + c.Zone + " in this account", "aws route53 list-hosted-zones"}}
	}
	if err != nil {
		return unknown(what, "route53.GetHostedZone", err)
	}
	name := strings.TrimSuffix(aws.ToString(out.HostedZone.Name), ".")
	switch {
	case c.Name != name && !strings.HasSuffix(c.Name, "."+name):
		return []Finding{{Stop, what, fmt.Sprintf("%s is the zone of %s", c.Zone, name), "give the zone in which the name lies"}}
	case out.HostedZone.Config != nil && out.HostedZone.Config.PrivateZone:
		return []Finding{{Stop, what, name + " is a private zone", "give the public one: nobody outside can resolve names of this one"}}
	case out.DelegationSet == nil:
		return []Finding{{NotChecked, what, "route53.GetHostedZone: an answer without name servers", ""}}
	}
	asked, err := c.DNS.LookupNS(ctx, name)
	if err != nil {
		return []Finding{{Warning, what, fmt.Sprintf("the DNS names no server of %s: %v", name, err), "let its parent name " + strings.Join(out.DelegationSet.NameServers, ", ")}}
	}
	for _, ns := range asked {
		if slices.Contains(out.DelegationSet.NameServers, strings.TrimSuffix(ns.Host, ".")) {
			return []Finding{{OK, what, name + ", public, and the one that the world asks", ""}}
		}
	}
	return []Finding{{Stop, what, "the world asks other servers about " + name + " than this zone's", "let its parent name " + strings.Join(out.DelegationSet.NameServers, ", ")}}
}

func (c Domain) parent(ctx context.Context) []Finding {
	_, parent, _ := strings.Cut(c.Name, ".")
	what := "parent of " + c.Name
	if hosts, err := c.DNS.LookupHost(ctx, parent); err == nil && len(hosts) > 0 {
		return []Finding{{OK, what, parent + " has an address", ""}}
	}
	if c.Zone != "" {
		// The record may be too new for the resolver that was asked.
		in := &route53.ListResourceRecordSetsInput{HostedZoneId: &c.Zone, StartRecordName: &parent, StartRecordType: types.RRTypeA, MaxItems: aws.Int32(1)}
		out, err := c.API.ListResourceRecordSets(ctx, in)
		if err == nil && len(out.ResourceRecordSets) > 0 && out.ResourceRecordSets[0].Type == types.RRTypeA &&
			strings.TrimSuffix(aws.ToString(out.ResourceRecordSets[0].Name), ".") == parent {
			return []Finding{{Warning, what, parent + " has an A record in the zone, which the DNS does not show yet", "wait, and check again"}}
		}
	}
	return []Finding{{Stop, what, parent + " has no address, and Cognito refuses a domain whose parent has none",
		"give it an A record, if only to a host that answers nothing"}}
}
