package pythontools

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// Alive reports whether a group has a process that is not a zombie. In a container
// zombies may never be reaped.
func Alive(pgid int) bool {
	return len(members(pgid)) > 0
}

// Belongs reports whether a group works below dir, and is not a later group with
// the same number.
func Belongs(pgid int, dir string) bool {
	for _, pid := range members(pgid) {
		env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if err == nil && strings.Contains(string(env), dir) {
			return true
		}
	}
	return false
}

func members(pgid int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var pids []int
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// The name in parentheses may hold spaces: read what follows it.
		text := string(raw)
		field := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(field) < 3 || field[0] == "Z" || field[2] != strconv.Itoa(pgid) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(path, "/")[2]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
