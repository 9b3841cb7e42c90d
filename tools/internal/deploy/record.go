package deploy

import (
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
	err := files.ReadJSON(l.DeployedFile(stack), &r)
	return r, err
}

func (r Record) write(l supervisor.Layout, stack string) error {
	return files.WriteJSON(l.DeployedFile(stack), r)
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
