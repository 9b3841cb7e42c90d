package local

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/stacks"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, filepath.Join(root, "examples", "subscriber", "template.yaml"), "Resources: {}\n")
	all := []stacks.Stack{{Name: "guard"}, {Name: "platform"}}
	for name, tc := range map[string]struct {
		names []string
		want  []string
		err   string
	}{
		"all":     {nil, []string{"guard", "platform"}, ""},
		"named":   {[]string{"platform"}, []string{"platform"}, ""},
		"folder":  {[]string{"examples/subscriber", "guard"}, []string{"subscriber", "guard"}, ""},
		"unknown": {[]string{"guards"}, nil, `no stack "guards"; the stacks are [guard platform]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chosen, err := choose(root, all, tc.names)
			if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			var got []string
			for _, s := range chosen {
				got = append(got, s.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("stacks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	all := []stacks.Stack{{Name: "guard", Parameters: []string{"DenyDomains"}}, {Name: "platform", Parameters: []string{"CallbackUrls", "ProviderName"}}}
	for name, tc := range map[string]struct {
		given []string
		want  map[string]string
		err   string
	}{
		"none":       {nil, map[string]string{}, ""},
		"some":       {[]string{"CallbackUrls=a,b?c=d", "ProviderName="}, map[string]string{"CallbackUrls": "a,b?c=d", "ProviderName": ""}, ""},
		"misspelled": {[]string{"DenyDomain=x"}, nil, "no stack to be deployed has this parameter"},
		"no_value":   {[]string{"ProviderName"}, nil, "not Name=value"},
		"no_name":    {[]string{"=x"}, nil, "not Name=value"},
	} {
		got, err := overrides(tc.given)
		if err == nil {
			err = declared(got, all)
		}
		if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: got %v, want %q", name, err, tc.err)
		} else if diff := cmp.Diff(tc.want, got); err == nil && diff != "" {
			t.Errorf("%s: parameters (-want +got):\n%s", name, diff)
		}
	}
}

func TestShowLogs(t *testing.T) {
	t.Parallel()
	l := supervisor.Layout{Workspace: stacks.Workspace{Dir: t.TempDir()}}
	write(t, l.Log("emulator"), "starts\n")
	write(t, l.Log("presignup"), strings.Repeat("x", logTail)+"\none\n")
	seen := map[string]int64{}
	show := func() string {
		var out bytes.Buffer
		if n, err := showLogs(l, []string{"signup"}, seen, &out); err != nil || n != 1 {
			t.Fatalf("%d logs, %v", n, err)
		}
		return out.String()
	}
	if got := show(); !strings.HasSuffix(got, "presignup | one\n") || strings.Contains(got, "starts") || len(got) > logTail+100 {
		t.Errorf("the end of the log is %q", got)
	}
	write(t, l.Log("presignup"), "two\n")
	if got := show(); got != "presignup | two\n" {
		t.Errorf("a replaced log is %q", got)
	}
	if got := show(); got != "" {
		t.Errorf("an unchanged log is %q", got)
	}
	if err := logs(t.Context(), l, []string{"missing"}, false, &bytes.Buffer{}); err == nil {
		t.Error("no error for a missing log")
	}
}

func TestSameSettings(t *testing.T) {
	t.Parallel()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	board := terminal.NewBoard(null)
	defer board.Close()
	l := supervisor.Layout{Workspace: stacks.Workspace{Environment: "local"}, Port: 1}
	for name, tc := range map[string]struct {
		state supervisor.State
		err   string
	}{
		"same":              {supervisor.State{Ready: true, Port: 1, Environment: "local"}, ""},
		"starting":          {supervisor.State{}, "is starting"},
		"other_port":        {supervisor.State{Ready: true, Port: 3, Environment: "local"}, "already runs on port 3"},
		"other_environment": {supervisor.State{Ready: true, Port: 1, Environment: "x"}, `the environment "x" already runs`},
	} {
		err := sameSettings(tc.state, l, board)
		if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: got %v, want %q", name, err, tc.err)
		}
	}
}

func TestStatusAndDeployWithoutASystem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := supervisor.Layout{Workspace: stacks.Workspace{Root: dir, Dir: dir}}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := status(t.Context(), l, out); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(out.Name()); err != nil || !strings.Contains(string(text), "start it with `gatehouse local up`") {
		t.Errorf("status %q, %v", text, err)
	}
	if err := runWatch(t.Context(), l, out); !errors.Is(err, supervisor.ErrNotUp) {
		t.Errorf("watch: %v, want supervisor.ErrNotUp", err)
	}
}

func TestLayoutFromFlags(t *testing.T) {
	t.Parallel()
	f := &flags{dir: "/x", environment: "test", region: "eu-central-1", port: 5000}
	l, err := f.layout()
	if err != nil {
		t.Fatal(err)
	}
	if l.Dir != "/x" || l.Venv != filepath.Join(l.Root, stacks.DefaultVenv) || l.Environment != "test" || l.Region != "eu-central-1" {
		t.Errorf("layout %+v", l)
	}
	args := strings.Join(serveArgs(l), " ")
	if !strings.HasPrefix(args, "local serve --dir /x") || !strings.Contains(args, "--port 5000 --region eu-central-1") {
		t.Errorf("arguments %s", args)
	}
	if cmd, _, err := Command().Find([]string{"serve"}); err != nil || !cmd.Hidden {
		t.Errorf("the command serve: %v, %v", cmd, err)
	}
}
