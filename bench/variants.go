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

// prepare builds the triggers and lists every variant. Each gets an environment of
// its own and inherits nothing: AWS_CA_BUNDLE alone would slow a client down.
func prepare(ctx context.Context, root, tmp, python string, stub *snsStub) ([]variant, error) {
	common := []string{
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI",
		"AWS_SESSION_TOKEN=token", "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_LAMBDA_LOG_FORMAT=JSON",
		"TOPIC_ARN=arn:aws:sns:us-east-1:123456789012:user-events",
	}
	twin := append([]string{
		"DOMAINS=" + filepath.Join(root, "services/signup-guard/internal/domains/domains.txt"), "LOG_LEVEL=INFO", "PYTHONUNBUFFERED=1",
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

// compare compares the figures with the gates. All three triggers publish an event
// over TLS, so they are compared with the twin that does. The twin of the sign-up
// publishes nothing, and is in the plain figures only.
func compare(of map[string]figures, quota bool) []row {
	var rows []row
	t := of[twinSignIn]
	for _, name := range []string{preSignUp, preAuth, postAuth} {
		o := of[name]
		rows = append(
			rows,
			row{name: name + " cold (init + first)", twin: t.init + t.first, ours: o.init + o.first, unit: "ms", gate: 20},
			row{name: name + " first publish", twin: t.first, ours: o.first, unit: "ms", gate: 25},
			row{name: name + " warm p50", twin: t.p50, ours: o.p50, unit: "ms", gate: 3},
			row{name: name + " CPU an invocation", twin: t.cpu, ours: o.cpu, unit: "ms", gate: 3},
			row{name: name + " RSS", twin: t.rss, ours: o.rss, unit: "MB", gate: 3},
		)
		if quota {
			rows = append(
				rows,
				row{name: name + " first at 128 MB", twin: t.slowFirst, ours: o.slowFirst, unit: "ms", gate: 50},
				row{name: name + " p50 at 128 MB", twin: t.slowP50, ours: o.slowP50, unit: "ms", gate: 10},
				row{name: name + " p99 at 128 MB", twin: t.slowP99, ours: o.slowP99, unit: "ms", gate: 5},
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
			row{name: v.name + " binary, arm64", ours: binary, unit: "MB", gate: 9, isCap: true},
			row{name: v.name + " archive, arm64", ours: archive, unit: "MB", gate: 3.5, isCap: true},
			row{name: v.name + " package init", ours: median(inits), unit: "ms", gate: 1.4, isCap: true},
			row{name: v.name + " CPU of a spaced call", ours: of[v.name].spacedCPU, unit: "ms", gate: 1.3, isCap: true},
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
	return []row{{name: "address check, 200,000 names", twin: median(twins), ours: median(ours), unit: "µs", gate: 300}}, nil
}
