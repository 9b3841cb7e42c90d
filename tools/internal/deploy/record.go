package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/supervisor"
)

// Record describes the last deployment of a stack.
type Record struct {
	// Instance identifies the run of the emulator.
	Instance    string    `json:"instance"`
	Fingerprint string    `json:"fingerprint"`
	Deployed    time.Time `json:"deployed"`
	// Drifted is set if watch changed a function without CloudFormation.
	Drifted bool `json:"drifted,omitempty"`
}

// ReadRecord returns an empty record if the stack was never deployed.
func ReadRecord(l supervisor.Layout, stack string) (Record, error) {
	var r Record
	raw, err := os.ReadFile(l.DeployedFile(stack))
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("os.ReadFile: %w", err)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("%s: json.Unmarshal: %w", l.DeployedFile(stack), err)
	}
	return r, nil
}

func (r Record) write(l supervisor.Layout, stack string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("json.MarshalIndent: %w", err)
	}
	if err := files.Replace(l.DeployedFile(stack), append(raw, '\n')); err != nil {
		return fmt.Errorf("files.Replace: %w", err)
	}
	return nil
}

// MarkDrifted records that the stack's functions differ from what CloudFormation
// deployed, so that the next deployment does not skip the stack.
func MarkDrifted(l supervisor.Layout, stack string) error {
	r, err := ReadRecord(l, stack)
	if err != nil || r.Drifted {
		return err
	}
	r.Drifted = true
	return r.write(l, stack)
}
