package supervisor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"
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

// The networks, by the kernel's names of their tables of ports.
const (
	tcp = "tcp"
	udp = "udp"
)

// portSettle is how long a port may be in use by no known process. A forked process
// holds the open ports of its parent until it starts its program.
const portSettle = time.Second

// checkPorts looks at both kinds: the X-Ray daemon has the proxy's port, too.
func checkPorts(ctx context.Context, port int) error {
	return cmp.Or(checkPort(ctx, tcp, port), checkPort(ctx, udp, port))
}

// socketLimit is how long the path of a Unix socket may be, in bytes: 103 on macOS, 107
// on Linux (the field sun_path with its final zero, unix(4) and unix(7)).
const socketLimit = 103

func checkSocket(path string) error {
	if len(path) > socketLimit {
		return fmt.Errorf("the path of the emulator's socket, %s, is longer than %d bytes; choose a shorter --dir", path, socketLimit)
	}
	return nil
}

// checkPort returns a PortTakenError if the port is in use. It repeats the check
// while the port is in use by no known process.
func checkPort(ctx context.Context, network string, port int) error {
	ctx, cancel := context.WithTimeout(ctx, portSettle)
	defer cancel()
	again := time.NewTicker(portSettle / 50)
	defer again.Stop()
	for {
		err := listen(ctx, network, port)
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

func listen(ctx context.Context, network string, port int) error {
	var cfg net.ListenConfig
	var open io.Closer
	var err error
	address := net.JoinHostPort(Host, strconv.Itoa(port))
	if network == udp {
		open, err = cfg.ListenPacket(ctx, network, address)
	} else {
		open, err = cfg.Listen(ctx, network, address)
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return PortTakenError{Port: port, UDP: network == udp, Holder: portHolder(port, network)}
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("port %d needs more permissions than you have; choose a port above 1023", port)
	case err != nil:
		return fmt.Errorf("net.Listen: %w", err)
	}
	return open.Close()
}
