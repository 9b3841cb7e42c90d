package domainset

import (
	"fmt"
	"slices"
	"strings"
)

const (
	slotBytes = 4
	// maxText is what three bytes of offset plus one can address.
	maxText = 1<<24 - 2
)

// Build makes a set of lower-case ASCII names of two or more labels, in any order.
func Build(names []string) (Set, error) {
	if len(names) == 0 {
		return Set{}, nil
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for _, name := range names {
		if !strings.Contains(name, ".") {
			return Set{}, fmt.Errorf("domainset: %q has one label only", name)
		}
	}
	text := strings.Join(names, "\n") + "\n"
	if len(text) > maxText {
		return Set{}, fmt.Errorf("domainset: text of %d bytes is larger than %d", len(text), maxText)
	}
	return Set{text: text, index: makeIndex(text, len(names))}, nil
}

// makeIndex makes the table: a power of two of slots, at most two thirds full so
// that a search ends, each three bytes of offset plus one (zero is an empty slot),
// lowest first, and the highest byte of the name's hash.
func makeIndex(text string, names int) string {
	slots := 1
	for slots*2 < names*3 {
		slots *= 2
	}
	table := make([]byte, slots*slotBytes)
	offset := 0
	for line := range strings.Lines(text) {
		put(table, strings.TrimSuffix(line, "\n"), offset+1)
		offset += len(line)
	}
	return string(table)
}

func put(table []byte, name string, entry int) {
	h := newHash()
	for i := len(name) - 1; i >= 0; i-- {
		h = h.add(name[i])
	}
	mask := len(table)/slotBytes - 1
	slot := h.slot() & mask
	for e := table[slot*slotBytes:]; e[0]|e[1]|e[2] != 0; e = table[slot*slotBytes:] {
		slot = (slot + 1) & mask
	}
	copy(table[slot*slotBytes:], []byte{byte(entry & 0xff), byte(entry >> 8 & 0xff), byte(entry >> 16 & 0xff), h.tag()})
}
