package contracts_test

import (
	"strings"
	"testing"
	"time"

	"gatehouse.example/contracts"
)

func TestNewAppEvent(t *testing.T) {
	t.Parallel()
	values := func(value any) contracts.AppEvent {
		return contracts.AppEvent{Who: contracts.WhoUser, Name: "a", Values: map[string]any{"x": value}}
	}
	many := map[string]any{}
	for i := range contracts.MaxAppValues + 1 {
		many["x"+string(rune('a'+i))] = true
	}
	act := contracts.Act{ID: "m1", PoolARN: pool, Time: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)}
	withSub, withClient, synthetic := act, act, act
	withSub.Subject, withClient.ClientID, synthetic.Synthetic = sub, "3n4b5urk1ft4fl3mg5e62d9ado", true
	for name, tc := range map[string]struct {
		act  contracts.Act
		data contracts.AppEvent
		ok   bool
	}{
		"guest":           {act, contracts.AppEvent{Who: contracts.WhoGuest, Name: "cart.opened"}, true},
		"word":            {act, values("payment"), true},
		"boolean":         {act, values(false), true},
		"largest_number":  {act, values(int64(contracts.MaxAppNumber)), true},
		"smallest_number": {act, values(int64(-contracts.MaxAppNumber)), true},
		"larger_number":   {act, values(int64(contracts.MaxAppNumber + 1)), false},
		"text":            {act, values("two words"), false},
		"sub":             {act, values(sub), false},
		"address":         {act, values("erika@example.org"), false},
		"fraction":        {act, values(1.5), false},
		"null":            {act, values(nil), false},
		"key":             {act, contracts.AppEvent{Who: contracts.WhoUser, Name: "a", Values: map[string]any{"A b": true}}, false},
		"too_many":        {act, contracts.AppEvent{Who: contracts.WhoUser, Name: "a", Values: many}, false},
		"nobody":          {act, contracts.AppEvent{Name: "a"}, false},
		"no_name":         {act, contracts.AppEvent{Who: contracts.WhoUser}, false},
		"with_subject":    {withSub, contracts.AppEvent{Who: contracts.WhoUser, Name: "a"}, false},
		"synthetic":       {synthetic, contracts.AppEvent{Who: contracts.WhoUser, Name: "a"}, false},
		"with_client":     {withClient, contracts.AppEvent{Who: contracts.WhoUser, Name: "a"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev, err := contracts.NewAppEvent(tc.act, tc.data)
			if (err == nil) != tc.ok {
				t.Fatalf("NewAppEvent: %v, want success %v", err, tc.ok)
			}
			if !tc.ok {
				return
			}
			raw, err := contracts.Encode(ev)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(t, compile(t, contracts.TypeAppEvent), raw); err != nil {
				t.Errorf("schema: %v", err)
			}
		})
	}
}

func TestIsAppName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"a": true, "cart.item_added": true, "v2-beta.x": true, "x.v2-beta": true, "a." + strings.Repeat("b", 32): true,
		"": false, ".": false, "a.": false, ".a": false, "a..b": false, "A": false, "1a": false, "_a": false, "a b": false, "\u00e4": false, "a\n": false,
		"a.2": false, strings.Repeat("a", 33): false, strings.Repeat("abcdefg.", 8) + "a": false, strings.Repeat("abcdefg.", 7) + "abcdefgh": true,
	} {
		if got := contracts.IsAppName(name); got != want {
			t.Errorf("IsAppName(%q) = %v", name, got)
		}
	}
}
