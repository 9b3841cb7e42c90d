package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/tools/actors"
)

// callLimit bounds a person's call; Cognito answers long before.
const callLimit = time.Minute

// system is a local system of its own.
type system struct {
	root, dir, venv string
	port            int

	env      actors.Env
	cognito  *cognito.Client
	dynamodb *dynamodb.Client
	events   *eventbridge.Client
	logs     *cloudwatchlogs.Client
	sqs      *sqs.Client
}

// local runs a command of `gatehouse local` on the system.
func (s *system) local(ctx context.Context, command string) error {
	cmd := exec.CommandContext(ctx, s.tool(), "local", command, "--dir", s.dir, "--port", strconv.Itoa(s.port), "--venv", s.venv)
	// An interrupt reaches the whole group of the terminal; the system is stopped below.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("gatehouse local %s: %w", command, err)
	}
	return nil
}

func (s *system) tool() string { return filepath.Join(s.root, "bin", "gatehouse") }

// connect makes the clients of a running system.
func (s *system) connect() error {
	env, err := actors.ReadEnv(filepath.Join(s.dir, "env"),
		"API_URL", "AUDIT_TABLE", "AWS_ENDPOINT_URL", "BUS_NAME", "GATEHOUSE_ENVIRONMENT", "NATIVE_CLIENT_ID", "USER_POOL_ID")
	if err != nil {
		return fmt.Errorf("actors.ReadEnv: %w", err)
	}
	cfg := env.Config()
	// Not the shell's proxy; as many connections as there are people.
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: callLimit}
	s.env = env
	s.cognito, s.dynamodb = cognito.NewFromConfig(cfg, actors.OnceOnly), dynamodb.NewFromConfig(cfg)
	s.events, s.logs, s.sqs = eventbridge.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	return nil
}

// name is that of a function or queue in the environment.
func (s *system) name(of string) string {
	return "gatehouse-" + s.env["GATEHOUSE_ENVIRONMENT"] + "-" + of
}

// group is the log group of a function.
func (s *system) group(service, function string) string {
	return "/gatehouse/" + s.env["GATEHOUSE_ENVIRONMENT"] + "/" + service + "/" + function
}

// recover is `gatehouse events recover`, with nothing but the system's env file.
func (s *system) recover(ctx context.Context, since time.Time) error {
	ago := strconv.Itoa(int(time.Since(since).Seconds())+1) + "s"
	cmd := exec.CommandContext(ctx, s.tool(), "events", "recover", "--since", ago)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("gatehouse events recover: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// set adds faults.
func (s *system) set(ctx context.Context, faults []fault) error {
	for _, f := range faults {
		body, err := json.Marshal(f)
		if err != nil {
			return fmt.Errorf("json.Marshal: %w", err)
		}
		if err := s.switchFaults(ctx, http.MethodPost, body, nil); err != nil {
			return err
		}
	}
	return nil
}

// clear removes every fault and returns how many calls they hit.
func (s *system) clear(ctx context.Context) (hits int, err error) {
	hits, err = s.hits(ctx)
	return hits, errors.Join(err, s.switchFaults(context.WithoutCancel(ctx), http.MethodDelete, nil, nil))
}

// hits is how many calls the faults have hit.
func (s *system) hits(ctx context.Context) (int, error) {
	var set []fault
	err := s.switchFaults(ctx, http.MethodGet, nil, &set)
	n := 0
	for _, f := range set {
		n += f.Seen
	}
	return n, err
}

func (s *system) switchFaults(ctx context.Context, method string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.env["AWS_ENDPOINT_URL"]+"/_gatehouse/faults", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("http.NewRequest: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s faults: %w", method, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s faults: the proxy answers %s", method, res.Status)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("%s faults: %w", method, err)
	}
	return nil
}

// canKill reports whether processes can be found by their environment.
func canKill() bool {
	_, err := os.Stat("/proc/self/environ")
	return err == nil
}

// kill ends the processes of a function of this system, without warning.
func (s *system) kill(function string) error {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return fmt.Errorf("filepath.Glob: %w", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // it ended, or is another user's
		}
		set := strings.Split(string(raw), "\x00")
		if !slices.Contains(set, "AWS_LAMBDA_FUNCTION_NAME="+s.name(function)) || !slices.Contains(set, "AWS_ENDPOINT_URL="+s.env["AWS_ENDPOINT_URL"]) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return fmt.Errorf("strconv.Atoi: %w", err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("syscall.Kill: %w", err)
		}
	}
	return nil
}

// signalEmulator stops the emulator's process, or lets it go on. Functions are processes
// of their own.
func (s *system) signalEmulator(sig syscall.Signal) error {
	raw, err := os.ReadFile(filepath.Join(s.dir, "state.json"))
	if err != nil {
		return fmt.Errorf("os.ReadFile: %w", err)
	}
	var state struct {
		EmulatorPID int `json:"emulatorPid"`
	}
	if err := json.Unmarshal(raw, &state); err != nil || state.EmulatorPID <= 1 {
		return fmt.Errorf("state.json names the process %d: %w", state.EmulatorPID, err)
	}
	if err := syscall.Kill(state.EmulatorPID, sig); err != nil {
		return fmt.Errorf("syscall.Kill: %w", err)
	}
	return nil
}
