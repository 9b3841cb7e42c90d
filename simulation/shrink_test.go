package simulation

import (
	"slices"
	"time"
)

// shrink removes from a history what is not needed for it to fail, and makes the rest
// smaller. fails reports whether a history breaks the invariant.
func shrink(h history, fails func(history) bool) history {
	for again := true; again; {
		again = false
		for _, smaller := range []func(history, int) (history, bool){
			without(func(h *history) *[]fault { return &h.faults }),
			without(func(h *history) *[]outage { return &h.outages }),
			without(func(h *history) *[]act { return &h.acts }),
			without(func(h *history) *[]clock { return &h.clocks }),
			without(func(h *history) *[]visit { return &h.visits }),
			without(func(h *history) *[]time.Duration { return &h.poisons }),
			fewerCalls, noFormer, shorterOutage, shorterWait, templateReceives,
		} {
			for i := 0; ; {
				candidate, possible := smaller(h, i)
				switch {
				case !possible:
				case fails(candidate):
					h, again = candidate, true
					continue
				default:
					i++
					continue
				}
				break
			}
		}
	}
	return h
}

// without removes the i-th element of a list.
func without[T any](list func(*history) *[]T) func(history, int) (history, bool) {
	return func(h history, i int) (history, bool) {
		l := list(&h)
		if i >= len(*l) {
			return h, false
		}
		*l = slices.Delete(slices.Clone(*l), i, i+1)
		return h, true
	}
}

// changed changes the i-th of those elements of a list that change accepts.
func changed[T any](list *[]T, i int, change func(*T) bool) bool {
	copied := slices.Clone(*list)
	for j := range copied {
		if before := copied[j]; change(&copied[j]) {
			if i == 0 {
				*list = copied
				return true
			}
			copied[j] = before
			i--
		}
	}
	return false
}

func fewerCalls(h history, i int) (history, bool) {
	return h, changed(&h.acts, i, func(a *act) bool { a.calls--; return a.calls > 0 })
}

func noFormer(h history, i int) (history, bool) {
	return h, changed(&h.acts, i, func(a *act) bool { was := a.former; a.former = false; return was })
}

func shorterOutage(h history, i int) (history, bool) {
	return h, changed(&h.outages, i, func(o *outage) bool {
		o.to = o.from + (o.to-o.from)/2
		return o.to-o.from > time.Second
	})
}

func shorterWait(h history, i int) (history, bool) {
	return h, changed(&h.faults, i, func(f *fault) bool { f.wait /= 2; return f.wait > time.Second })
}

func templateReceives(h history, i int) (history, bool) {
	possible := i == 0 && h.receives > 0
	h.receives = 0
	return h, possible
}
