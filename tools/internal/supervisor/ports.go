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

	"gatehouse.example/tools/internal/layout"
)

// TakenError says which port is taken and by whom, as far as that is known.
type TakenError struct {
	Port   int
	UDP    bool
	Holder string // such as "python3 (pid 4711)", or empty
}

// Error names the port and its holder.
func (e TakenError) Error() string {
	port, by := "port", e.Holder
	if e.UDP {
		port = "UDP port"
	}
	if by == "" {
		by = "another process"
	}
	return fmt.Sprintf("%s %d is taken by %s", port, e.Port, by)
}

// The kinds of ports, by the kernel's names of their tables.
const (
	tcp = "tcp"
	udp = "udp"
)

// settle is how long a port may be taken by nobody. A process that is just
// being forked holds every open port of its parent until it starts its program.
const settle = time.Second

// Check returns a TakenError if nobody can listen on the port now.
func Check(ctx context.Context, port int) error {
	return settled(ctx, func() error { return check(ctx, port) })
}

// CheckUDP is Check for a port that takes packets.
func CheckUDP(ctx context.Context, port int) error {
	return settled(ctx, func() error { return checkUDP(ctx, port) })
}

// settled asks until the answer is more than a moment's.
func settled(ctx context.Context, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	again := time.NewTicker(settle / 50)
	defer again.Stop()
	for {
		err := check()
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
	l, err := cfg.Listen(ctx, "tcp", address(port))
	if err != nil {
		return refused(err, TakenError{Port: port, Holder: holder(port, tcp)})
	}
	if err := l.Close(); err != nil {
		return fmt.Errorf("net.Listener.Close: %w", err)
	}
	return nil
}

func checkUDP(ctx context.Context, port int) error {
	var cfg net.ListenConfig
	c, err := cfg.ListenPacket(ctx, "udp", address(port))
	if err != nil {
		return refused(err, TakenError{Port: port, UDP: true, Holder: holder(port, udp)})
	}
	if err := c.Close(); err != nil {
		return fmt.Errorf("net.PacketConn.Close: %w", err)
	}
	return nil
}

func address(port int) string { return net.JoinHostPort(layout.Host, strconv.Itoa(port)) }

// refused says why a port could not be had.
func refused(err error, taken TakenError) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return taken
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("port %d needs more rights than you have; choose one above 1023", taken.Port)
	}
	return fmt.Errorf("net.Listen: %w", err)
}
