package trace

import "context"

// link leads to a part of another trace. Lambda makes one trace of each run for a batch of an
// SQS queue, and links it to the traces that sent the messages
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-tracelinking.html). No document
// describes the form. That of links to parents was seen in
// https://github.com/open-telemetry/opentelemetry-collector-contrib/issues/20350; awslabs/aws-iatk
// reads links to children, in the same form, from the senders' parts.
type link struct {
	Trace string `json:"trace"`
	Part  string `json:"part"`
	// Kind is toSender or toRun.
	Kind string `json:"kind"`
}

const (
	toSender = "parent"
	toRun    = "child"
)

// links are those that can be followed.
func (d document) links() []link {
	var all []link
	for _, l := range d.Links {
		if kind := l.Attributes.Kind; xrayID.MatchString(l.TraceID) && (kind == toSender || kind == toRun) {
			all = append(all, link{Trace: l.TraceID, Part: l.ID, Kind: kind})
		}
	}
	return all
}

// runs are the traces of the runs that handled what the parts sent, in the order of the parts.
func runs(parts []*part) []string {
	var ids []string
	for _, p := range parts {
		for _, l := range p.Links {
			if l.Kind == toRun {
				ids = append(ids, l.Trace)
			}
		}
		ids = append(ids, runs(p.Below)...)
	}
	return ids
}

// follow reads the linked runs of a trace, and theirs, up to the reader's limit. It does
// not wait: which messages are still on their way is not known.
func (r reader) follow(ctx context.Context, t *tree) error {
	met := map[string]bool{t.ID: true}
	for next := unmet(runs(t.Tops), met); len(next) > 0; {
		now := next[:min(len(next), maxTraces, r.links-len(t.Linked))]
		if len(now) == 0 {
			t.Omitted = len(next)
			return nil
		}
		next = next[len(now):]
		found, err := r.fetch(ctx, now...)
		if err != nil {
			return err
		}
		for _, id := range now {
			if one := found[id]; one.parts > 0 {
				t.Linked = append(t.Linked, one)
				next = append(next, unmet(runs(one.Tops), met)...)
			}
		}
	}
	return nil
}

// unmet are the ids that were not read before, each once.
func unmet(ids []string, met map[string]bool) []string {
	var fresh []string
	for _, id := range ids {
		if !met[id] {
			met[id] = true
			fresh = append(fresh, id)
		}
	}
	return fresh
}
