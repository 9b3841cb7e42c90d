package supervisor

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// healthTimeout is for one health check.
const healthTimeout = 2 * time.Second

// Ministack is the emulator's command, started with the parts of the proxy that work
// inside its process. Functions inherit its environment, so it has only PATH of the
// caller's shell. Its endpoint is the proxy's, because functions call through the
// proxy, too.
func Ministack(l Layout) *exec.Cmd {
	start := filepath.Join(l.Root, "tools", "internal", "proxy", "emulator.py")
	cmd := exec.Command(l.Tool("python"), start, l.Socket(), l.CallsFile()) //nolint:noctx // the supervisor stops it
	cmd.Dir = l.EmulatorDir()
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + filepath.Join(l.EmulatorDir(), "home"),
		"TMPDIR=" + filepath.Join(l.EmulatorDir(), "tmp"),
		"STATE_DIR=" + filepath.Join(l.EmulatorDir(), "state"),
		"S3_DATA_DIR=" + filepath.Join(l.EmulatorDir(), "s3"),
		"PYTHONUNBUFFERED=1",
		// It listens on the socket instead. These are in the URLs that it makes, such as
		// the one that a custom resource answers to.
		"GATEWAY_PORT=" + strconv.Itoa(l.Port),
		"BIND_HOST=" + Host,
		"AUTH=true",
		"IOT_MTLS_PORT=0", // its MQTT port would conflict with a second local system's
		"SFTP_ENABLED=0",
		"AWS_REGION=" + l.Region,
		"MINISTACK_REGION=" + l.Region,
		"AWS_ACCESS_KEY_ID=" + AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + SecretAccessKey,
		"AWS_ENDPOINT_URL=" + l.URL(),
		"AWS_XRAY_DAEMON_ADDRESS=" + l.Address(),
		// The emulator does not set this from a function's LoggingConfig, as Lambda does.
		"AWS_LAMBDA_LOG_FORMAT=JSON",
	}
	return cmd
}

// EmulatorHealthy reports whether the emulator answers.
func EmulatorHealthy(ctx context.Context, l Layout) bool {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", l.Socket())
	}
	return answers(ctx, &http.Transport{DisableKeepAlives: true, DialContext: dial}, "http://"+Host+"/_ministack/health")
}

// ProxyHealthy reports whether the proxy answers.
func ProxyHealthy(ctx context.Context, l Layout) bool {
	return answers(ctx, &http.Transport{DisableKeepAlives: true}, l.URL()+"/_gatehouse/health")
}

// answers uses a transport of its own: no proxy of the shell, no connection kept.
func answers(ctx context.Context, transport http.RoundTripper, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
