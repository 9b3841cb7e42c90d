package supervisor

import (
	"errors"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	var taken PortTakenError
	if err := checkPort(t.Context(), tcp, port); !errors.As(err, &taken) || taken.Port != port {
		t.Fatalf("got %v, want port %d taken", err, port)
	}
	if text := taken.Error(); !strings.Contains(text, strconv.Itoa(port)) {
		t.Errorf("%q does not name the port", text)
	}
	if runtime.GOOS == "linux" && !strings.Contains(taken.Holder, "pid "+strconv.Itoa(os.Getpid())) {
		t.Errorf("holder %q, want this process", taken.Holder)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := checkPort(t.Context(), tcp, port); err != nil {
		t.Errorf("free port: %v", err)
	}
}

func TestCheckUDP(t *testing.T) {
	t.Parallel()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := c.LocalAddr().(*net.UDPAddr).Port
	var taken PortTakenError
	if err := checkPort(t.Context(), udp, port); !errors.As(err, &taken) || taken.Port != port {
		t.Fatalf("got %v, want port %d taken", err, port)
	}
	if text := taken.Error(); !strings.Contains(text, "UDP port "+strconv.Itoa(port)) {
		t.Errorf("%q does not name the port", text)
	}
	if runtime.GOOS == "linux" && !strings.Contains(taken.Holder, "pid "+strconv.Itoa(os.Getpid())) {
		t.Errorf("holder %q, want this process", taken.Holder)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := checkPort(t.Context(), udp, port); err != nil {
		t.Errorf("free port: %v", err)
	}
}
