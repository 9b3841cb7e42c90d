package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

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
