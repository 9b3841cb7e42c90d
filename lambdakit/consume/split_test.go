package consume_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/consume"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sizes []int
		want  []int // events of each part
	}{
		"nothing":          {nil, nil},
		"one":              {[]int{1}, []int{1}},
		"as_many_as_fit":   {[]int{1, 1, 1}, []int{3}},
		"one_too_many":     {[]int{1, 1, 1, 1}, []int{3, 1}},
		"as_large_as_fits": {[]int{5, 5, 1}, []int{2, 1}},
		"too_large":        {[]int{5, 6, 4}, []int{1, 2}},
		"larger_than_any":  {[]int{1, 11, 1}, []int{1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var batch, joined []consume.Record
			for _, n := range tc.sizes {
				batch = append(batch, consume.Record{Body: strings.Repeat("x", n)})
			}
			var got []int
			for _, part := range consume.Split(batch, 3, 10, func(r consume.Record) int { return len(r.Body) }) {
				got = append(got, len(part))
				joined = append(joined, part...)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
			if len(joined) != len(batch) {
				t.Fatalf("%d of %d events", len(joined), len(batch))
			}
			for i := range batch {
				if joined[i].Body != batch[i].Body {
					t.Errorf("event %d is in another place", i)
				}
			}
		})
	}
}
