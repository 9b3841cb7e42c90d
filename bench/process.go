package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// timeout bounds each step of a process.
const timeout = 20 * time.Second

var errTimeout = errors.New("the process did not go on in time")

// variant is one function to measure.
type variant struct {
	name      string
	command   []string
	dir       string
	root      string // the process sees this folder as its whole file system; empty for none
	env       []string
	event     []byte
	publishes int64 // an invocation
}

// sample has the figures of one process.
type sample struct {
	init, first time.Duration
	initCPU     time.Duration
	warm        []time.Duration
	warmCPU     time.Duration   // an invocation, calls in a row
	spacedCPU   time.Duration   // an invocation, with pauses
	slow        []time.Duration // under the CPU share of 128 MB, with pauses
	slowFirst   time.Duration
	rssKB       int64
}

// plan is the number of calls to a process.
type plan struct {
	warm, spaced int
	quota        bool
	cold         bool // the first call only
}

const pause = 45 * time.Millisecond

// run starts a process, measures it and ends it.
func run(ctx context.Context, v variant, stub *snsStub, p plan) (sample, error) {
	api, err := newRuntimeAPI(ctx)
	if err != nil {
		return sample{}, err
	}
	defer func() { _ = api.server.Close() }()
	cmd := exec.CommandContext(ctx, v.command[0], v.command[1:]...)
	cmd.Dir = v.dir
	if v.root != "" {
		cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: v.root}
	}
	cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + api.addr, "PATH=" + os.Getenv("PATH")}, v.env...)
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, fmt.Errorf("exec.Cmd.Start: %w", err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); release(cmd.Process.Pid) }()
	readyAt, err := api.waitReady()
	if err != nil {
		return sample{}, err
	}
	s := sample{init: readyAt.Sub(start), initCPU: cpuTime(cmd.Process.Pid)}
	before := stub.published.Load()
	calls, err := s.measure(api, cmd.Process.Pid, v.event, p)
	if err != nil {
		return sample{}, err
	}
	if got, want := stub.published.Load()-before, v.publishes*int64(calls); got != want {
		return sample{}, fmt.Errorf("%d publishes in %d calls, want %d", got, calls, want)
	}
	return s, nil
}

// measure makes the calls and returns their number.
func (s *sample) measure(api *runtimeAPI, pid int, event []byte, p plan) (int, error) {
	if p == (plan{}) {
		return 0, nil // init only
	}
	if p.quota {
		return p.spaced + 1, s.throttled(api, pid, event, p.spaced)
	}
	var err error
	if s.first, err = api.invoke(event); err != nil {
		return 0, err
	}
	if p.cold {
		return 1, nil
	}
	for range 20 { // past the first collections and caches
		if _, err := api.invoke(event); err != nil {
			return 0, err
		}
	}
	cpu := cpuTime(pid)
	for range p.warm {
		took, err := api.invoke(event)
		if err != nil {
			return 0, err
		}
		s.warm = append(s.warm, took)
	}
	s.warmCPU = (cpuTime(pid) - cpu) / time.Duration(p.warm)
	s.rssKB = rss(pid)
	cpu = cpuTime(pid)
	for range p.spaced {
		time.Sleep(pause) //nolint:forbidigo // idle time is what is measured
		if _, err := api.invoke(event); err != nil {
			return 0, err
		}
	}
	s.spacedCPU = (cpuTime(pid) - cpu) / time.Duration(p.spaced)
	return 21 + p.warm + p.spaced, nil
}

// throttled makes the calls in a control group with the CPU share that Lambda
// gives to 128 MB. It begins after init, which Lambda does not throttle.
func (s *sample) throttled(api *runtimeAPI, pid int, event []byte, calls int) error {
	err := throttle(pid)
	if err != nil {
		return err
	}
	if s.slowFirst, err = api.invoke(event); err != nil {
		return err
	}
	for range calls {
		time.Sleep(pause) //nolint:forbidigo // idle time is what is measured
		took, err := api.invoke(event)
		if err != nil {
			return err
		}
		s.slow = append(s.slow, took)
	}
	return nil
}

// cpuTime adds up the nanoseconds of a process's threads on a CPU; the ticks in
// stat are too coarse.
func cpuTime(pid int) time.Duration {
	var sum int64
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, path := range tasks {
		raw, _ := os.ReadFile(path)
		if fields := strings.Fields(string(raw)); len(fields) > 0 {
			ns, _ := strconv.ParseInt(fields[0], 10, 64)
			sum += ns
		}
	}
	return time.Duration(sum)
}

func rss(pid int) int64 {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseInt(fields[0], 10, 64)
	return kb
}

// 128 MB of 1,769 MB, at which Lambda gives a whole CPU, in periods of 20 ms.
// The length of Lambda's own period is an assumption.
const (
	quotaMicros  = "1447"
	periodMicros = "20000"
)

// group is the control group of a process: its folder, and whether the machine has
// version 2.
func group(pid int) (path string, v2 bool) {
	name := fmt.Sprintf("gatehouse-bench-%d", pid)
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return filepath.Join("/sys/fs/cgroup", name), true
	}
	return filepath.Join("/sys/fs/cgroup/cpu", name), false
}

// throttle puts a process into a control group with that share. It needs root.
func throttle(pid int) error {
	dir, v2 := group(pid)
	files := [][2]string{{"cpu.cfs_period_us", periodMicros}, {"cpu.cfs_quota_us", quotaMicros}}
	if v2 {
		files = [][2]string{{"cpu.max", quotaMicros + " " + periodMicros}}
	}
	if err := os.Mkdir(dir, 0o750); err != nil {
		return fmt.Errorf("os.Mkdir: %w", err)
	}
	for _, f := range append(files, [2]string{"cgroup.procs", strconv.Itoa(pid)}) {
		if err := os.WriteFile(filepath.Join(dir, f[0]), []byte(f[1]), 0o600); err != nil {
			return fmt.Errorf("os.WriteFile: %w", err)
		}
	}
	return nil
}

// release removes the group of a process that has ended, if it had one.
func release(pid int) {
	dir, _ := group(pid)
	_ = os.Remove(dir)
}

// canThrottle reports whether this process may create control groups.
func canThrottle() bool {
	dir, v2 := group(os.Getpid())
	if os.Mkdir(dir, 0o750) != nil {
		return false
	}
	defer release(os.Getpid())
	if v2 {
		_, err := os.Stat(filepath.Join(dir, "cpu.max"))
		return err == nil
	}
	return true
}
