package check

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"gatehouse.example/tools/internal/pythontools"
	"gatehouse.example/tools/stacks"
)

// Tools: what builds and deploys, in the versions that were tested.
type Tools struct{ Workspace stacks.Workspace }

// Look implements Check.
func (c Tools) Look(ctx context.Context) []Finding {
	const what = "tools"
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return []Finding{{Stop, what, fmt.Sprintf("no Go: %v", err), "install Go 1.26"}}
	}
	ready, err := pythontools.Ready(c.Workspace)
	if err != nil {
		return []Finding{{Stop, what, err.Error(), ""}}
	}
	if !ready {
		return []Finding{{Stop, what, "the SAM CLI is not installed in " + c.Workspace.Venv + " as pinned", "make tools"}}
	}
	return []Finding{{OK, what, strings.TrimSpace(string(out)) + ", the SAM CLI as pinned", ""}}
}
