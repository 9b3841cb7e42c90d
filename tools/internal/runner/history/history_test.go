package history

import (
	"errors"
	"testing"
	"time"
)

// past stores executions a minute apart, the first one oldest.
func past(t *testing.T, all ...Execution) (Store, []Execution) {
	t.Helper()
	s := Store{Dir: t.TempDir()}
	for i := range all {
		all[i].Started = time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC)
		if err := s.Save(all[i]); err != nil {
			t.Fatal(err)
		}
	}
	return s, all
}

// done is an execution of the version v1 that ended in a stage.
func done(id string, status Status) Execution {
	return Execution{ID: id, Structure: "v1", Instance: "i", Status: status, Stages: []Stage{{Name: "Production", Status: status}}}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	other, elsewhere, back := done("other", Succeeded), done("elsewhere", Succeeded), done("back", Succeeded)
	other.Structure, elsewhere.Instance, back.Rollback = "v2", "j", "good"
	failedLater := done("tested", Succeeded) // succeeded in the stage, whatever came after it
	failedLater.Status = Failed
	for name, tc := range map[string]struct {
		before []Execution
		want   string
	}{
		"last_success":     {[]Execution{done("old", Succeeded), done("good", Succeeded)}, "good"},
		"failed_is_none":   {[]Execution{done("good", Succeeded), done("bad", Failed)}, "good"},
		"stage_counts":     {[]Execution{failedLater}, "tested"},
		"no_rollback":      {[]Execution{done("good", Succeeded), back}, "good"},
		"other_version":    {[]Execution{other}, ""},
		"another_emulator": {[]Execution{elsewhere}, ""},
		"nothing_before":   {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, all := past(t, append(tc.before, done("failed", Failed), done("later", Succeeded))...)
			got, err := s.Target(all[len(all)-2], "Production")
			if got.ID != tc.want || (tc.want == "") != errors.Is(err, ErrNoTarget) {
				t.Errorf("got %q, %v", got.ID, err)
			}
			if _, err := s.Target(all[len(all)-2], "Test"); !errors.Is(err, ErrNoTarget) {
				t.Errorf("another stage: %v", err)
			}
		})
	}
}
