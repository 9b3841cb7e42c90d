package contracts_test

import (
	"testing"

	"gatehouse.example/contracts"
)

func TestIsSyntheticAddress(t *testing.T) {
	t.Parallel()
	for email, want := range map[string]bool{
		"success@simulator.amazonses.com": true, "success+x@simulator.amazonses.com": true, "x@SIMULATOR.AmazonSES.com": true,
		"x@a.b.simulator.amazonses.com": true, `"x@y"@simulator.amazonses.com`: true,
		"": false, "@": false, "simulator.amazonses.com": false, "a.simulator.amazonses.com": false, "x@amazonses.com": false,
		"x@notsimulator.amazonses.com": false, "x@simulator.amazonses.com.example.net": false, "x@simulator.amazonses.com.": false,
		"simulator.amazonses.com@example.net": false, "x@simulator.amazonses.com\n": false, "x@\u017fimulator.amazonses.com": false,
	} {
		if got := contracts.IsSyntheticAddress(email); got != want {
			t.Errorf("IsSyntheticAddress(%q) = %v", email, got)
		}
	}
}

// Only the boolean true is the mark; any other value is found.
func TestOnlyTrueIsSynthetic(t *testing.T) {
	t.Parallel()
	const head = `{"specversion":"1.0","id":"1","source":"/s","type":"t"`
	for more, want := range map[string]bool{
		`,"synthetic":true`: true, ``: false, `,"synthetic":false`: false, `,"synthetic":"true"`: false, `,"synthetic":1`: false, `,"synthetic":null`: false,
	} {
		ev, err := contracts.Decode([]byte(head + more + "}"))
		if err != nil {
			t.Errorf("%s: %v", more, err)
			continue
		}
		_, attribute := contracts.Attributes(ev)["synthetic"]
		if got := contracts.IsSynthetic(ev); got != want || attribute != want {
			t.Errorf("%s: synthetic %v, attribute %v, want %v", more, got, attribute, want)
		}
	}
}
