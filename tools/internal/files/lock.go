// Package lockfile makes processes take turns. The kernel drops a lock with the
// process that held it, so a crash leaves nothing to clean up.
package lockfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// retry is how often a held lock is asked for again.
const retry = 50 * time.Millisecond

// ErrHeld says that another process holds the lock.
var ErrHeld = errors.New("held by another process")

// Try takes the lock or returns ErrHeld at once.
func Try(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("os.MkdirAll: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("os.OpenFile: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return func() { _ = f.Close() }, nil
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrHeld
	}
	return nil, errors.Join(fmt.Errorf("unix.Flock: %w", err), f.Close())
}

// Wait takes the lock as soon as it is free.
func Wait(ctx context.Context, path string) (unlock func(), err error) {
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for {
		unlock, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return unlock, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Held reports whether some process holds the lock.
func Held(path string) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	unlock, err := Try(path)
	if errors.Is(err, ErrHeld) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	unlock()
	return false, nil
}
