package deploy

import (
	"context"
	"fmt"
	"strings"

	"gatehouse.example/tools/internal/gobuild"
	"gatehouse.example/tools/internal/layout"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// Settings are a stack's samconfig with this machine's values over it, and the
// name of its CloudFormation stack.
func Settings(l layout.Layout, s stacks.Stack) (sam.Config, string, error) {
	cfg, err := sam.ReadConfig(s.Samconfig(), sam.LocalBlock)
	if err != nil {
		return sam.Config{}, "", fmt.Errorf("sam.ReadConfig: %w", err)
	}
	// The page at /app signs people in, too, and each machine serves it on a port of its own.
	for _, name := range []string{"CallbackUrls", "LogoutUrls"} {
		if urls := cfg.Parameters[name]; urls != "" {
			cfg.Parameters[name] = urls + "," + l.URL() + layout.AppPath
		}
	}
	names, err := readNames(l)
	if err != nil {
		return sam.Config{}, "", err
	}
	cfg.Parameters = sam.Merge(cfg.Parameters, sam.EmulatorParameters(l.URL(), l.Environment), s.Parameters)
	// The edge serves the API of its own environment at a shorter address, too.
	cfg.Parameters = sam.Merge(cfg.Parameters, map[string]string{"ApiUrl": l.URL() + "/api", "Environment": l.Environment}, s.Parameters)
	cfg.Parameters = sam.Merge(cfg.Parameters, names.parameters(s.Name), s.Parameters)
	name := strings.TrimPrefix(cfg.StackName, "gatehouse-"+layout.DefaultEnvironment+"-")
	if name == "" {
		name = s.Name
	}
	return cfg, "gatehouse-" + l.Environment + "-" + name, nil
}

// Fingerprint of everything that decides what the stack becomes.
func Fingerprint(ctx context.Context, l layout.Layout, s stacks.Stack) (string, error) {
	cfg, name, err := Settings(l, s)
	if err != nil {
		return "", err
	}
	fp, err := gobuild.Fingerprint(ctx, s, append(sam.Arguments(cfg.Parameters), name, l.Region)...)
	if err != nil {
		return "", fmt.Errorf("gobuild.Fingerprint: %w", err)
	}
	return fp, nil
}
