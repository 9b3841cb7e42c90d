package contracts_test

import (
	"testing"

	"gatehouse.example/contracts"
)

func TestTypeMatches(t *testing.T) {
	t.Parallel()
	const typ = "gatehouse.user.signin.failed.v1"
	for asked, want := range map[string]bool{
		"": true, typ: true, "gatehouse.user.signin.failed": true, "user.signin.failed": true, "user.signin.failed.v1": true,
		"user.signin": false, "user.signin.fail": false, "user.signin.failed.v": false, "user.signin.failed.v2": false,
		"signin.failed": false, "gatehouse.": false, typ + "1": false,
	} {
		if got := contracts.TypeMatches(typ, asked); got != want {
			t.Errorf("TypeMatches(%q, %q) = %v", typ, asked, got)
		}
	}
}
