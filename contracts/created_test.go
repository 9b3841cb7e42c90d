package contracts_test

import (
	"testing"

	"gatehouse.example/contracts"
)

func TestCreatedVia(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{
		"CONFIRMED": "signup", "RESET_REQUIRED": "signup", "EXTERNAL_PROVIDER": "federation", "FORCE_CHANGE_PASSWORD": "admin",
		"UNCONFIRMED": "", "UNKNOWN": "", "ARCHIVED": "", "COMPROMISED": "", "": "", "confirmed": "",
	} {
		if via, created := contracts.CreatedVia(status); via != want || created != (want != "") {
			t.Errorf("%s: via %q, %v; want %q", status, via, created, want)
		}
	}
}
