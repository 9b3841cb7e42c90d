//go:build !linux

package pythontools

import "syscall"

func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// Alive reports whether a group has a process.
func Alive(pgid int) bool {
	return syscall.Kill(-pgid, 0) == nil
}

// Belongs cannot inspect other processes here and only uses the number.
func Belongs(pgid int, _ string) bool { return Alive(pgid) }
