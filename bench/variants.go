package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

const (
	twinPreSignUp = "twin presignup"
	twinSignIn    = "twin signin"
	empty         = "empty"
	preSignUp     = "presignup"
	preAuth       = "preauthentication"
	postAuth      = "postauthentication"
	allRoots      = "postauthentication, all roots"
)

// triggers are the folders of ours.
var triggers = map[string]string{
	preSignUp: "services/signup-guard/cmd/presignup",
	preAuth:   "services/signin-audit/cmd/preauthentication",
	postAuth:  "services/signin-audit/cmd/postauthentication",
}

// common is the environment of every variant. None inherits anything: AWS_CA_BUNDLE alone
// would slow a client down.
var common = []string{
	"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI",
	"AWS_SESSION_TOKEN=token", "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_LAMBDA_LOG_FORMAT=JSON",
	"TOPIC_ARN=arn:aws:sns:us-east-1:123456789012:user-events",
}

// prepare builds the functions and lists every variant.
func prepare(ctx context.Context, root, tmp, python string, stub *snsStub) ([]variant, error) {
	ours, err := goFunctions(ctx, root, tmp, stub)
	if err != nil {
		return nil, err
	}
	bundle := filepath.Join(tmp, "bundle.pem")
	if err := os.WriteFile(bundle, append(systemRoots(), stub.root...), 0o600); err != nil {
		return nil, fmt.Errorf("os.WriteFile: %w", err)
	}
	twin := variant{dir: filepath.Join(root, "bench", "twin"), env: append([]string{
		"DOMAINS=" + filepath.Join(root, "services/signup-guard/internal/domains/domains.txt"), "LOG_LEVEL=INFO", "PYTHONUNBUFFERED=1",
		"AWS_ENDPOINT_URL_SNS=" + stub.url, "AWS_CA_BUNDLE=" + bundle, "HOME=" + tmp,
	}, common...)}
	up, in := twin, twin
	up.name, up.command, up.event = twinPreSignUp, []string{python, "-m", "awslambdaric", "presignup.handler"}, ours[preSignUp].event
	in.name, in.command, in.event, in.publishes = twinSignIn, []string{python, "-m", "awslambdaric", "signin.handler"}, ours[postAuth].event, 1
	all := ours[postAuth]
	all.name = allRoots
	// What Go reads without the variable; with it, a trigger trusts these roots only.
	all.env = append([]string{"SSL_CERT_FILE=/etc/pki/tls/certs/ca-bundle.crt"}, all.env...)
	if all.root == "" {
		all.env[0] = "SSL_CERT_FILE=" + bundle
	}
	return []variant{up, ours[preSignUp], in, ours[preAuth], ours[postAuth], all, ours[empty]}, nil
}

// goFunctions builds ours and the empty function. As root it runs them where the roots lie
// as on AWS, and else on the machine as it is.
func goFunctions(ctx context.Context, root, tmp string, stub *snsStub) (map[string]variant, error) {
	overlay, err := withRoot(root, tmp, stub.root)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(tmp, "root")
	if err := amazonLinux(dir, append(systemRoots(), stub.root...)); err != nil {
		return nil, err
	}
	env := append([]string{
		"GATEHOUSE_ENVIRONMENT=bench", "GOMAXPROCS=1", "OUTBOX_URL=" + stub.url + "/outbox", "AWS_ENDPOINT_URL=" + stub.url,
	}, common...)
	out := map[string]variant{}
	for name, event := range map[string]string{
		preSignUp: "signup-guard/events/presignup-signup.json", preAuth: "signin-audit/events/preauthentication.json",
		postAuth: "signin-audit/events/postauthentication.json", empty: "signin-audit/events/postauthentication.json",
	} {
		v := variant{name: name, env: env, publishes: 1}
		source := triggers[name]
		if name == empty {
			v.publishes, source = 0, "bench/testdata/empty"
		}
		if v.event, err = os.ReadFile(filepath.Join(root, "services", event)); err != nil {
			return nil, fmt.Errorf("os.ReadFile: %w", err)
		}
		path, err := build(ctx, filepath.Join(root, source), runtime.GOARCH, overlay, dir)
		if err != nil {
			return nil, err
		}
		v.command = []string{path}
		if os.Geteuid() == 0 {
			v.root, v.command = dir, []string{"/" + filepath.Base(path)}
		}
		out[name] = v
	}
	return out, nil
}

// compare compares the figures with the gates. The sign-in triggers do what their twin
// does. PreSignUp also publishes its event, which its twin does not, so its gates are lower.
func compare(of map[string]figures, quota bool) []row {
	var rows []row
	for _, c := range []struct {
		name, twin               string
		cold, first, warm, cpu   float64
		rss                      float64
		slowFirst, slow, slowP99 float64
	}{
		{preSignUp, twinPreSignUp, 11, 0, 1.5, 0, 0, 0, 0, 0},
		{preAuth, twinSignIn, 35, 25, 4, 4, 3.3, 10, 10, 0},
		{postAuth, twinSignIn, 35, 25, 4, 4, 3.3, 10, 10, 0},
	} {
		t, o := of[c.twin], of[c.name]
		rows = append(
			rows,
			row{name: c.name + " cold (init + first)", base: t.init + t.first, ours: o.init + o.first, unit: "ms", gate: c.cold},
			row{name: c.name + " init, CPU", base: t.initCPU, ours: o.initCPU, unit: "ms", gate: c.cold},
			row{name: c.name + " first call", base: t.first, ours: o.first, unit: "ms", gate: c.first},
			row{name: c.name + " warm p50", base: t.p50, ours: o.p50, unit: "ms", gate: c.warm},
			row{name: c.name + " CPU of a call", base: t.cpu, ours: o.cpu, unit: "ms", gate: c.cpu},
			row{name: c.name + " RSS", base: t.rss, ours: o.rss, unit: "MB", gate: c.rss},
		)
		if quota {
			rows = append(
				rows,
				row{name: c.name + " first at 128 MB", base: t.slowFirst, ours: o.slowFirst, unit: "ms", gate: c.slowFirst},
				row{name: c.name + " p50 at 128 MB", base: t.slowP50, ours: o.slowP50, unit: "ms", gate: c.slow},
				row{name: c.name + " p99 at 128 MB", base: t.slowP99, ours: o.slowP99, unit: "ms", gate: c.slowP99},
			)
		}
	}
	return rows
}

// initLimit is how much CPU a trigger's init may take, TLS connection included, in
// multiples of the empty function's.
const initLimit = 3

// caps compares ours with the empty function, and sizes with limits: those of arm64, which
// is what is deployed.
func caps(ctx context.Context, o options, tmp string, of map[string]figures) ([]row, error) {
	var rows []row
	for _, name := range []string{preSignUp, preAuth, postAuth} {
		path, err := build(ctx, filepath.Join(o.root, triggers[name]), "arm64", "", tmp)
		if err != nil {
			return nil, err
		}
		binary, archive, err := sizes(path)
		if err != nil {
			return nil, err
		}
		ours, least := of[name], of[empty]
		rows = append(
			rows,
			row{name: name + " init, CPU, to empty", base: least.initCPU, ours: ours.initCPU, unit: "ms", limit: initLimit},
			row{name: name + " CPU of a spaced call, to empty", base: least.spacedCPU, ours: ours.spacedCPU, unit: "ms", limit: 3},
			row{name: name + " binary, arm64", ours: binary, unit: "MB", limit: 9},
			row{name: name + " archive, arm64", ours: archive, unit: "MB", limit: 3.5},
		)
	}
	return rows, nil
}

// checkRow compares the check of one address, in process and in turn.
func checkRow(ctx context.Context, o options, python string, env []string) ([]row, error) {
	var ours, twins []float64
	for range o.rounds {
		our, twin, err := checkNanos(ctx, o.root, python, env)
		if err != nil {
			return nil, err
		}
		ours, twins = append(ours, our/1000), append(twins, twin/1000)
	}
	return []row{{name: "address check, 200,000 names", base: least(twins), ours: least(ours), unit: "µs", gate: 150}}, nil
}
