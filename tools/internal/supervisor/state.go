package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
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

// ReadState returns the state of the last supervisor; ok is false if there is none.
func ReadState(l Layout) (s State, ok bool, err error) {
	raw, err := os.ReadFile(l.StateFile())
	if errors.Is(err, os.ErrNotExist) {
		return State{}, false, nil
	}
	if err != nil {
		return State{}, false, fmt.Errorf("os.ReadFile: %w", err)
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return State{}, false, fmt.Errorf("%s: json.Unmarshal: %w", l.StateFile(), err)
	}
	return s, true, nil
}

func writeState(l Layout, s State) error {
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("json.MarshalIndent: %w", err)
	}
	if err := files.Replace(l.StateFile(), append(raw, '\n')); err != nil {
		return fmt.Errorf("files.Replace: %w", err)
	}
	return nil
}
