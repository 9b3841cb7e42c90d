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
	preSignUp     = "presignup"
	preAuth       = "preauthentication"
	postAuth      = "postauthentication"
)

// prepare builds the triggers and lists every variant. Each gets an environment
// of its own and nothing of ours: AWS_CA_BUNDLE alone would slow a client down.
func prepare(ctx context.Context, root, tmp, python string, stub *snsStub) ([]variant, error) {
	common := []string{
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI",
		"AWS_SESSION_TOKEN=token", "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_LAMBDA_LOG_FORMAT=JSON",
		"TOPIC_ARN=arn:aws:sns:us-east-1:123456789012:user-events",
	}
	twin := append([]string{
		"DOMAINS=" + filepath.Join(root, "services/signup-guard/internal/disposable/domains.txt"), "LOG_LEVEL=INFO", "PYTHONUNBUFFERED=1",
		"AWS_ENDPOINT_URL_SNS=" + stub.url, "AWS_CA_BUNDLE=" + stub.bundle, "HOME=" + tmp,
	}, common...)
	ours := append([]string{
		"GATEHOUSE_ENVIRONMENT=bench", "GOMAXPROCS=1", "OUTBOX_URL=" + stub.url + "/outbox", "AWS_ENDPOINT_URL=" + stub.url,
		"SSL_CERT_FILE=" + stub.bundle, "SSL_CERT_DIR=" + tmp + "/none",
	}, common...)
	var out []variant
	for _, v := range []struct {
		name, service, module, event string
		publishes                    int64
	}{
		{twinPreSignUp, "", "presignup", "signup-guard/events/presignup-signup.json", 0},
		{preSignUp, "signup-guard", "", "signup-guard/events/presignup-signup.json", 1},
		{twinSignIn, "", "signin", "signin-audit/events/postauthentication.json", 1},
		{preAuth, "signin-audit", "", "signin-audit/events/preauthentication.json", 1},
		{postAuth, "signin-audit", "", "signin-audit/events/postauthentication.json", 1},
	} {
		event, err := os.ReadFile(filepath.Join(root, "services", v.event))
		if err != nil {
			return nil, fmt.Errorf("os.ReadFile: %w", err)
		}
		next := variant{name: v.name, event: event, publishes: v.publishes, dir: filepath.Join(root, "bench", "twin"), env: twin}
		if v.service == "" {
			next.command = []string{python, "-m", "awslambdaric", v.module + ".handler"}
		} else {
			path, err := build(ctx, root, v.service, v.name, runtime.GOARCH, tmp)
			if err != nil {
				return nil, err
			}
			next.command, next.env = []string{path}, ours
		}
		out = append(out, next)
	}
	return out, nil
}

// compare holds the figures to the gates. Ours publishes an event at sign-up,
// over TLS, and the twin does not; the gates were set for a trigger without.
func compare(of map[string]figures, quota bool) []row {
	t, o := of[twinPreSignUp], of[preSignUp]
	rows := []row{
		{"PreSignUp init", t.init, o.init, "ms", 30, false},
		{"PreSignUp cold (init + first)", t.init + t.first, o.init + o.first, "ms", 25, false},
		{"PreSignUp warm p50", t.p50, o.p50, "ms", 4, false},
		{"PreSignUp RSS", t.rss, o.rss, "MB", 3, false},
	}
	t = of[twinSignIn]
	for _, name := range []string{preAuth, postAuth} {
		o := of[name]
		rows = append(
			rows,
			row{name + " cold (init + first)", t.init + t.first, o.init + o.first, "ms", 20, false},
			row{name + " first publish", t.first, o.first, "ms", 25, false},
			row{name + " warm p50", t.p50, o.p50, "ms", 4, false},
			row{name + " CPU an invocation", t.cpu, o.cpu, "ms", 4, false},
			row{name + " RSS", t.rss, o.rss, "MB", 3.3, false},
		)
		if quota {
			rows = append(
				rows,
				row{name + " first at 128 MB", t.slowFirst, o.slowFirst, "ms", 100, false},
				row{name + " p50 at 128 MB", t.slowP50, o.slowP50, "ms", 10, false},
				row{name + " p99 at 128 MB", t.slowP99, o.slowP99, "ms", 20, false},
			)
		}
	}
	return rows
}

// absolute measures the caps: sizes for arm64, which is what is deployed.
func absolute(ctx context.Context, o options, tmp string, variants []variant, of map[string]figures) ([]row, error) {
	var rows []row
	for _, v := range variants {
		service, ours := map[string]string{preSignUp: "signup-guard", preAuth: "signin-audit", postAuth: "signin-audit"}[v.name]
		if !ours {
			continue
		}
		path, err := build(ctx, o.root, service, v.name, "arm64", tmp)
		if err != nil {
			return nil, err
		}
		binary, archive, err := sizes(path)
		if err != nil {
			return nil, err
		}
		var inits []float64
		for range o.rounds {
			took, err := packageInit(ctx, v)
			if err != nil {
				return nil, err
			}
			inits = append(inits, took.Seconds()*1000)
		}
		rows = append(
			rows,
			row{name: v.name + " binary, arm64", ours: binary, unit: "MB", gate: 8, isCap: true},
			row{name: v.name + " archive, arm64", ours: archive, unit: "MB", gate: 3.3, isCap: true},
			row{name: v.name + " package init", ours: median(inits), unit: "ms", gate: 0.8, isCap: true},
			row{name: v.name + " CPU of a spaced call", ours: of[v.name].spacedCPU, unit: "ms", gate: 0.7, isCap: true},
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
	return []row{{"e-mail check, 200,000 names", median(twins), median(ours), "µs", 1000, false}}, nil
}
