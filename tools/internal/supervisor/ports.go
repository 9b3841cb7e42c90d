package supervisor

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

// PortTakenError says which port is in use, and by which process if known.
type PortTakenError struct {
	Port   int
	UDP    bool
	Holder string // such as "python3 (pid 4711)", or empty
}

// Error names the port and its holder.
func (e PortTakenError) Error() string {
	port, by := "port", e.Holder
	if e.UDP {
		port = "UDP port"
	}
	if by == "" {
		by = "another process"
	}
	return fmt.Sprintf("%s %d is in use by %s", port, e.Port, by)
}

// The kernel's names of its tables of ports.
const (
	tcp = "tcp"
	udp = "udp"
)

// portSettle is how long a port may be in use by no known process. A forked process
// holds the open ports of its parent until it starts its program.
const portSettle = time.Second

// checkPort returns a PortTakenError if the port is in use.
func checkPort(ctx context.Context, port int) error {
	return settledPort(ctx, func() error { return listenTCP(ctx, port) })
}

// checkUDPPort is checkPort for a UDP port.
func checkUDPPort(ctx context.Context, port int) error {
	return settledPort(ctx, func() error { return listenUDP(ctx, port) })
}

// settledPort repeats a check while the port is in use by no known process.
func settledPort(ctx context.Context, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, portSettle)
	defer cancel()
	again := time.NewTicker(portSettle / 50)
	defer again.Stop()
	for {
		err := check()
		var taken PortTakenError
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

func listenTCP(ctx context.Context, port int) error {
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", portAddress(port))
	if err != nil {
		return portError(err, PortTakenError{Port: port, Holder: portHolder(port, tcp)})
	}
	if err := l.Close(); err != nil {
		return fmt.Errorf("net.Listener.Close: %w", err)
	}
	return nil
}

func listenUDP(ctx context.Context, port int) error {
	var cfg net.ListenConfig
	c, err := cfg.ListenPacket(ctx, "udp", portAddress(port))
	if err != nil {
		return portError(err, PortTakenError{Port: port, UDP: true, Holder: portHolder(port, udp)})
	}
	if err := c.Close(); err != nil {
		return fmt.Errorf("net.PacketConn.Close: %w", err)
	}
	return nil
}

func portAddress(port int) string { return net.JoinHostPort(layout.Host, strconv.Itoa(port)) }

// portError explains why the port is not available.
func portError(err error, taken PortTakenError) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return taken
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("port %d needs more permissions than you have; choose a port above 1023", taken.Port)
	}
	return fmt.Errorf("net.Listen: %w", err)
}
