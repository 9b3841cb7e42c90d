package supervisor

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/stacks"
)

const (
	// DefaultPort is the proxy's.
	DefaultPort = 4566
	// DefaultEnvironment is the name in every stack, function and parameter.
	DefaultEnvironment = "local"
	// AccessKeyID and SecretAccessKey are the emulator's root key pair. They are
	// valid nowhere else.
	AccessKeyID     = "test"
	SecretAccessKey = "test"
	// Host is the only address that anything binds. It is never written as
	// "localhost": SDKs would then address buckets as bucket.localhost.
	Host = "127.0.0.1"
)

// Layout describes a local system: its folder, port, addresses and credentials.
// Several can run at the same time, each with its own folder and port.
type Layout struct {
	stacks.Workspace
	Port  int  // of the proxy, the endpoint of all clients
	HTTPS bool // the proxy accepts it on the same port
	// Parameters replace those of samconfig.toml in the stacks that declare them.
	Parameters map[string]string
}

// URL is the endpoint of all clients.
func (l Layout) URL() string { return "http://" + l.Address() }

// HTTPSURL is the same endpoint with HTTPS.
func (l Layout) HTTPSURL() string { return "https://" + l.Address() }

// CertificatesDir has the certificate for HTTPS, its key, and the CA that signed it.
func (l Layout) CertificatesDir() string { return filepath.Join(l.Dir, "tls") }

// CAFile is what a client trusts that uses HTTPS.
func (l Layout) CAFile() string { return filepath.Join(l.CertificatesDir(), "ca.pem") }

// Address is where the proxy listens.
func (l Layout) Address() string { return Host + ":" + strconv.Itoa(l.Port) }

// Socket is where the emulator listens, behind the proxy. It is a file that only its
// owner may open, so no page in a browser gets around the proxy.
func (l Layout) Socket() string { return filepath.Join(l.EmulatorDir(), "socket") }

// StateFile describes the running supervisor.
func (l Layout) StateFile() string { return filepath.Join(l.Dir, "state.json") }

// LockFile is held by the supervisor while it runs.
func (l Layout) LockFile() string { return filepath.Join(l.Dir, "lock") }

// EnvFile is what clients read.
func (l Layout) EnvFile() string { return filepath.Join(l.Dir, "env") }

// DeployedFile records which inputs a stack was deployed from.
func (l Layout) DeployedFile(stack string) string {
	return filepath.Join(l.Dir, "state", stack+".json")
}

// CallsFile lists the calls that the emulator allowed and denied to each role.
func (l Layout) CallsFile() string { return filepath.Join(l.Dir, "calls.jsonl") }

// EmulatorDir is the emulator's own folder; it is empty whenever an emulator starts.
func (l Layout) EmulatorDir() string { return filepath.Join(l.Dir, "emulator") }

// Config is for AWS clients that reach the local endpoint and nothing else,
// whatever the shell and the profile say. S3's client also needs UsePathStyle.
func (l Layout) Config() aws.Config {
	return aws.Config{
		Region:       l.Region,
		BaseEndpoint: aws.String(l.URL()),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: AccessKeyID, SecretAccessKey: SecretAccessKey}, nil
		}),
		// No proxy of the shell.
		HTTPClient: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}},
	}
}

// Access are the variables with which the AWS tools reach the local endpoint.
func (l Layout) Access() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + l.URL(),
		"AWS_ACCESS_KEY_ID=" + AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + SecretAccessKey,
		"NO_PROXY=" + noProxy("NO_PROXY"), "no_proxy=" + noProxy("no_proxy"),
		"SAM_CLI_POLL_DELAY=1", // nothing throttles it
	}
}

// noProxy keeps the shell's proxy away from the local endpoint.
func noProxy(name string) string {
	if set := os.Getenv(name); set != "" {
		return set + "," + Host
	}
	return Host
}

// State describes a running supervisor.
type State struct {
	// Instance identifies this run of the emulator. What was deployed to an earlier
	// one no longer exists.
	Instance    string    `json:"instance"`
	PID         int       `json:"pid"`
	EmulatorPID int       `json:"emulatorPid"` // also its process group
	Port        int       `json:"port"`
	HTTPS       bool      `json:"https,omitempty"`
	Environment string    `json:"environment"`
	Started     time.Time `json:"started"`
	// Ready is set once the proxy and the emulator answer.
	Ready bool `json:"ready"`
}

// ReadState returns the state of the last supervisor, which is empty if there was none.
func ReadState(l Layout) (s State, err error) {
	err = files.ReadJSON(l.StateFile(), &s)
	return s, err
}
