package check

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"gatehouse.example/tools/internal/pythontools"
	"gatehouse.example/tools/stacks"
)

// Tools checks the tools that build and deploy.
type Tools struct{ Workspace stacks.Workspace }

// Look implements Check.
func (c Tools) Look(ctx context.Context) []Finding {
	const what = "tools"
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return []Finding{{Stop, what, fmt.Sprintf("Go not found: %v", err), "install Go 1.26"}}
	}
	ready, err := pythontools.Ready(c.Workspace)
	if err != nil {
		return []Finding{{Stop, what, err.Error(), ""}}
	}
	if !ready {
		return []Finding{{Stop, what, "the pinned SAM CLI is not installed in " + c.Workspace.Venv, "make tools"}}
	}
	return []Finding{{OK, what, strings.TrimSpace(string(out)) + ", the pinned SAM CLI", ""}}
}
