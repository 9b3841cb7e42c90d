package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The states of listening sockets in the kernel's tables.
const (
	listening   = "0A" // TCP
	unconnected = "07" // UDP
)

// portHolder finds the process that listens on a port: /proc/net has the socket's
// inode and /proc/<pid>/fd links to it. Other users' processes stay
// unknown.
func portHolder(port int, kind string) string {
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/" + kind, "/proc/net/" + kind + "6"} {
		for _, inode := range listeners(table, port) {
			inodes["socket:["+inode+"]"] = true
		}
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil || len(inodes) == 0 {
		return ""
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || !inodes[target] {
			continue
		}
		pid := strings.Split(link, "/")[2]
		return fmt.Sprintf("%s (pid %s)", processName(pid), pid)
	}
	return ""
}

func listeners(table string, port int) []string {
	raw, err := os.ReadFile(table)
	if err != nil {
		return nil
	}
	var inodes []string
	for line := range strings.Lines(string(raw)) {
		field := strings.Fields(line)
		if len(field) < 10 || field[3] != listening && field[3] != unconnected {
			continue
		}
		_, hex, _ := strings.Cut(field[1], ":")
		if n, err := strconv.ParseUint(hex, 16, 16); err == nil && int(n) == port {
			inodes = append(inodes, field[9])
		}
	}
	return inodes
}

func processName(pid string) string {
	raw, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	if err != nil {
		return "a process"
	}
	return strings.TrimSpace(string(raw))
}
