package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/proxy/hostedpages"
	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// Settings returns a stack's settings in samconfig.toml, with the layout's parameters and
// then with this machine's values, and the name of its CloudFormation stack.
func Settings(l supervisor.Layout, s stacks.Stack) (sam.Config, string, error) {
	cfg, err := sam.ReadConfig(s.Samconfig(), sam.LocalBlock)
	if err != nil {
		return sam.Config{}, "", fmt.Errorf("sam.ReadConfig: %w", err)
	}
	cfg.Parameters = sam.Merge(cfg.Parameters, l.Parameters, s.Parameters)
	// Users also sign in on the page at /app, whose port depends on the machine. Both
	// addresses always, so that --https changes no stack.
	for _, name := range []string{"CallbackUrls", "LogoutUrls"} {
		if urls := cfg.Parameters[name]; urls != "" {
			cfg.Parameters[name] = urls + "," + l.URL() + hostedpages.AppPath + "," + l.HTTPSURL() + hostedpages.AppPath
		}
	}
	names, err := readNames(l)
	if err != nil {
		return sam.Config{}, "", err
	}
	cfg.Parameters = sam.Merge(cfg.Parameters, sam.EmulatorParameters(l.URL(), l.Environment), s.Parameters)
	// The proxy also serves the API of its own environment at a shorter path.
	cfg.Parameters = sam.Merge(cfg.Parameters, map[string]string{"ApiUrl": l.URL() + "/api", "Environment": l.Environment}, s.Parameters)
	cfg.Parameters = sam.Merge(cfg.Parameters, names.parameters(s.Name), s.Parameters)
	name := strings.TrimPrefix(cfg.StackName, "gatehouse-"+supervisor.DefaultEnvironment+"-")
	if name == "" {
		name = s.Name
	}
	return cfg, "gatehouse-" + l.Environment + "-" + name, nil
}

// Fingerprint is the fingerprint of all inputs of a stack's deployment.
func Fingerprint(ctx context.Context, l supervisor.Layout, s stacks.Stack) (string, error) {
	cfg, name, err := Settings(l, s)
	if err != nil {
		return "", err
	}
	fp, err := sam.Fingerprint(ctx, s, append(sam.Arguments(cfg.Parameters), name, l.Region)...)
	if err != nil {
		return "", fmt.Errorf("sam.Fingerprint: %w", err)
	}
	return fp, nil
}

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
