// Package ports tells whether a port can be had and, where the system says so,
// who has it.
package ports

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"gatehouse.example/platform/local/layout"
)

// TakenError says which port is taken and by whom, as far as that is known.
type TakenError struct {
	Port   int
	Holder string // such as "python3 (pid 4711)", or empty
}

// Error names the port and its holder.
func (e TakenError) Error() string {
	if e.Holder == "" {
		return fmt.Sprintf("port %d is taken by another process", e.Port)
	}
	return fmt.Sprintf("port %d is taken by %s", e.Port, e.Holder)
}

// settle is how long a port may be taken by nobody. A process that is just
// being forked holds every open port of its parent until it starts its program.
const settle = time.Second

// Check returns a TakenError if nobody can listen on the port now.
func Check(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	again := time.NewTicker(settle / 50)
	defer again.Stop()
	for {
		err := check(ctx, port)
		var taken TakenError
		if !errors.As(err, &taken) || taken.Holder != "" {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}

func check(ctx context.Context, port int) error {
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", net.JoinHostPort(layout.Host, strconv.Itoa(port)))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return TakenError{Port: port, Holder: holder(port)}
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("port %d needs more rights than you have; choose one above 1023", port)
	case err != nil:
		return fmt.Errorf("net.Listen: %w", err)
	}
	if err := l.Close(); err != nil {
		return fmt.Errorf("net.Listener.Close: %w", err)
	}
	return nil
}
