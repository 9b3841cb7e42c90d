package supervisor

import (
	"time"

	"gatehouse.example/tools/internal/files"
)

// State describes a running supervisor.
type State struct {
	// Instance identifies this run of the emulator. What was deployed to an earlier
	// one no longer exists.
	Instance    string    `json:"instance"`
	PID         int       `json:"pid"`
	EmulatorPID int       `json:"emulatorPid"` // also its process group
	Port        int       `json:"port"`
	Emulator    int       `json:"emulatorPort"`
	Environment string    `json:"environment"`
	Started     time.Time `json:"started"`
	// Ready is set once the proxy and the emulator answer.
	Ready bool `json:"ready"`
}

// ReadState returns the state of the last supervisor, which is empty if there was none.
func ReadState(l Layout) (s State, err error) {
	err = files.ReadJSON(l.StateFile(), &s)
	return s, err
}
