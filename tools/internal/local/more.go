package localcmd

import (
	"os"

	"github.com/spf13/cobra"

	"gatehouse.example/tools/internal/local"
)

func (f *flags) status() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show what is running and deployed", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.layout()
			if err != nil {
				return err
			}
			return local.Status(cmd.Context(), l, os.Stdout)
		},
	}
}

func (f *flags) watch() *cobra.Command {
	return &cobra.Command{
		Use: "watch", Short: "Put every Go edit live within seconds, until Ctrl-C", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.layout()
			if err != nil {
				return err
			}
			return local.Watch(cmd.Context(), l, os.Stdout)
		},
	}
}

func (f *flags) logs() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use: "logs [NAME...]", Short: "Show the ends of the logs, of all or of those whose names contain NAME",
		Example: "  gatehouse local logs --follow\n  gatehouse local logs supervisor presignup",
		RunE: func(cmd *cobra.Command, names []string) error {
			l, err := f.layout()
			if err != nil {
				return err
			}
			return local.Logs(cmd.Context(), l, names, follow, os.Stdout)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what is written from now on, until Ctrl-C")
	return cmd
}

func (f *flags) tools() *cobra.Command {
	return &cobra.Command{
		Use: "tools", Short: "Install the pinned Python tools, nothing else", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.layout()
			if err != nil {
				return err
			}
			return local.Tools(cmd.Context(), l, os.Stdout)
		},
	}
}

func (f *flags) serve() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Be the supervisor's process; `up` starts it", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.layout()
			if err != nil {
				return err
			}
			return local.Serve(cmd.Context(), l, os.Stdout)
		},
	}
}
