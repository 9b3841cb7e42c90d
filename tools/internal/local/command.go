package local

import (
	"cmp"
	"context"
	"os"

	"github.com/spf13/cobra"

	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/stacks"
)

type flags struct {
	dir, venv, environment, region string
	port                           int
	https                          bool
	parameters                     []string // Name=value
}

// Command is `gatehouse local` with its subcommands.
func Command() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Run the whole system on this machine",
		Args:  cobra.NoArgs,
	}
	set := cmd.PersistentFlags()
	set.StringVar(&f.dir, "dir", "", "folder of the local system (default .local in the repository)")
	set.StringVar(&f.venv, "venv", "", "virtualenv of the Python tools (default .local/venv in the repository)")
	set.IntVar(&f.port, "port", supervisor.DefaultPort, "port of the proxy, the endpoint of all clients")
	set.StringVar(&f.environment, "environment", supervisor.DefaultEnvironment, "name in every stack, function and parameter")
	set.StringVar(&f.region, "region", cmp.Or(os.Getenv("AWS_REGION"), stacks.DefaultRegion), "region that the emulator simulates")
	cmd.AddCommand(f.up(), f.deploy(), f.logs(), f.provider(),
		f.simple("down", "Stop it; no process and no open port remains", down),
		f.simple("status", "Show what is running and deployed", status),
		f.simple("watch", "Deploy every Go edit within seconds, until Ctrl-C", runWatch),
		f.simple("tools", "Install the pinned Python tools and nothing else", installTools))
	supervise := f.simple("serve", "Run the supervisor's process; `up` starts it", serve)
	supervise.Hidden = true
	f.addHTTPS(supervise)
	cmd.AddCommand(supervise)
	return cmd
}

// addHTTPS is for the commands that start the proxy.
func (f *flags) addHTTPS(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.https, "https", false, "accept HTTPS on the same port too, with a certificate made for the folder")
}

// addParameters is for the commands that deploy.
func (f *flags) addParameters(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.parameters, "parameter", nil,
		"Name=value, which replaces a parameter of samconfig.toml in this deployment; may be repeated")
}

// layout fills in what no flag sets. Folders given by flag are relative to the
// working directory, the defaults to the repository.
func (f *flags) layout() (supervisor.Layout, error) {
	parameters, err := overrides(f.parameters)
	if err != nil {
		return supervisor.Layout{}, err
	}
	w, err := stacks.OpenWorkspace(f.dir, f.venv)
	w.Environment, w.Region = f.environment, f.region
	return supervisor.Layout{Workspace: w, Port: f.port, HTTPS: f.https, Parameters: parameters}, err
}

// with makes a command's function of one that works on a layout.
func (f *flags) with(do func(ctx context.Context, l supervisor.Layout, names []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, names []string) error {
		l, err := f.layout()
		if err != nil {
			return err
		}
		return do(cmd.Context(), l, names)
	}
}

// simple is a command without arguments and flags of its own.
func (f *flags) simple(use, short string, do func(context.Context, supervisor.Layout, *os.File) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: f.with(func(ctx context.Context, l supervisor.Layout, _ []string) error { return do(ctx, l, os.Stdout) }),
	}
}

func (f *flags) up() *cobra.Command {
	var empty bool
	cmd := &cobra.Command{
		Use: "up", Short: "Start it and deploy what changed", Args: cobra.NoArgs,
		RunE: f.with(func(ctx context.Context, l supervisor.Layout, _ []string) error {
			return up(ctx, l, empty, os.Stdout)
		}),
	}
	f.addHTTPS(cmd)
	f.addParameters(cmd)
	cmd.Flags().BoolVar(&empty, "empty", false, "deploy nothing; 'gatehouse pipeline up' deploys environments of its own")
	return cmd
}

func (f *flags) deploy() *cobra.Command {
	cmd := &cobra.Command{
		Use: "deploy [STACK...]", Short: "Deploy the named stacks, or all, if they changed",
		Example: "  gatehouse local deploy signup-guard\n  gatehouse local deploy examples/subscriber\n" +
			"  gatehouse local deploy signup-guard --parameter DenyDomains=example.org",
		RunE: f.with(func(ctx context.Context, l supervisor.Layout, names []string) error {
			return deployNamed(ctx, l, names, os.Stdout)
		}),
	}
	f.addParameters(cmd)
	return cmd
}

func (f *flags) provider() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "provider", Short: "Be an identity provider, to sign in with on this machine, until Ctrl-C", Args: cobra.NoArgs,
		RunE: f.with(func(ctx context.Context, l supervisor.Layout, _ []string) error {
			return provide(ctx, l, name, os.Stdout)
		}),
	}
	cmd.Flags().StringVar(&name, "name", "Acme", "its name in the pool, which is the platform's parameter ProviderName")
	return cmd
}

func (f *flags) logs() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use: "logs [NAME...]", Short: "Show the ends of the logs, of all or of those whose names contain NAME",
		Example: "  gatehouse local logs --follow\n  gatehouse local logs supervisor presignup",
		RunE: f.with(func(ctx context.Context, l supervisor.Layout, names []string) error {
			return logs(ctx, l, names, follow, os.Stdout)
		}),
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "continue with new lines, until Ctrl-C")
	return cmd
}
