// Package localcmd is `gatehouse local`: it turns flags into a layout and calls
// gatehouse.example/tools/internal/local, where the work is done.
package localcmd

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gatehouse.example/tools/internal/layout"
	"gatehouse.example/tools/internal/local"
	"gatehouse.example/tools/stacks"
)

// flags are shared by all commands.
type flags struct {
	dir, venv, environment, region string
	port, emulatorPort             int
}

// Command is `gatehouse local` with everything below it.
func Command() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Run the whole system on this machine",
		Args:  cobra.NoArgs,
	}
	set := cmd.PersistentFlags()
	set.StringVar(&f.dir, "dir", "", "folder of the environment (default .local in the repository)")
	set.StringVar(&f.venv, "venv", "", "virtualenv of the Python tools (default .local/venv in the repository)")
	set.IntVar(&f.port, "port", layout.DefaultPort, "port of the edge, everybody's endpoint")
	set.IntVar(&f.emulatorPort, "emulator-port", 0, "port of the emulator behind it (default: the edge's + 1)")
	set.StringVar(&f.environment, "environment", layout.DefaultEnvironment, "name in every stack, function and parameter")
	set.StringVar(&f.region, "region", defaultRegion(), "region that the emulator plays")
	cmd.AddCommand(f.up(), f.down(), f.status(), f.deploy(), f.watch(), f.logs(), f.tools(), f.serve())
	return cmd
}

func defaultRegion() string {
	if region := os.Getenv("AWS_REGION"); region != "" {
		return region
	}
	return stacks.DefaultRegion
}

// layout fills in what no flag says. Folders given by flag are relative to the
// working directory, the defaults to the repository.
func (f *flags) layout() (layout.Layout, error) {
	root, err := stacks.FindRoot(".")
	if err != nil {
		return layout.Layout{}, err
	}
	l := layout.Layout{
		Workspace: stacks.Workspace{Root: root, Environment: f.environment, Region: f.region},
		Port:      f.port, EmulatorPort: f.emulatorPort,
	}
	if l.Dir, err = folder(f.dir, root, stacks.DefaultDir); err != nil {
		return layout.Layout{}, err
	}
	if l.Venv, err = folder(f.venv, root, stacks.DefaultVenv); err != nil {
		return layout.Layout{}, err
	}
	if l.EmulatorPort == 0 {
		l.EmulatorPort = l.Port + 1
	}
	return l, nil
}

func folder(given, root, usual string) (string, error) {
	if given == "" {
		return filepath.Join(root, usual), nil
	}
	path, err := filepath.Abs(given)
	if err != nil {
		return "", fmt.Errorf("filepath.Abs: %w", err)
	}
	return path, nil
}

func (f *flags) up() *cobra.Command {
	var empty bool
	cmd := &cobra.Command{
		Use: "up", Short: "Start it and deploy what changed", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.layout()
			if err != nil {
				return err
			}
			if empty {
				return local.Start(cmd.Context(), l, os.Stdout)
			}
			return local.Up(cmd.Context(), l, os.Stdout)
		},
	}
	cmd.Flags().BoolVar(&empty, "empty", false, "deploy nothing; 'gatehouse pipeline up' has environments of its own")
	return cmd
}

func (f *flags) down() *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "Stop it; no process and no port stays", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.layout()
			if err != nil {
				return err
			}
			return local.Down(cmd.Context(), l, os.Stdout)
		},
	}
}

func (f *flags) deploy() *cobra.Command {
	return &cobra.Command{
		Use: "deploy [STACK...]", Short: "Deploy the named stacks, or all, as far as they changed",
		Example: "  gatehouse local deploy signup-guard\n  gatehouse local deploy examples/subscriber",
		RunE: func(cmd *cobra.Command, names []string) error {
			l, err := f.layout()
			if err != nil {
				return err
			}
			return local.Deploy(cmd.Context(), l, names, os.Stdout)
		},
	}
}
