package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// firstByteTimeout is how long a connection may stay silent, as with a header of HTTP.
const firstByteTimeout = 10 * time.Second

// handshake begins every connection of TLS, and none of HTTP
// (https://www.rfc-editor.org/rfc/rfc8446#section-5.1).
const handshake = 22

// listen refuses every address that another machine could reach, because the proxy
// holds the root key. With a folder for a certificate it accepts HTTPS too, on the same
// port, so that whatever knows the port finds both.
func listen(ctx context.Context, address, certificates string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen address: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s is not a loopback address", address)
	}
	var own tls.Certificate
	if certificates != "" {
		if own, err = Certificate(certificates, time.Now()); err != nil {
			return nil, err
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("net.Listen: %w", err)
	}
	if certificates == "" {
		return listener, nil
	}
	b := &both{
		Listener: listener, sorted: make(chan net.Conn), closed: make(chan struct{}),
		config: &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}},
	}
	go b.run()
	return b, nil
}

// both accepts HTTP and HTTPS on one port and tells them apart by the first byte.
type both struct {
	net.Listener
	config *tls.Config
	sorted chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// run accepts until the listener fails or is closed.
func (b *both) run() {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			b.stop()
			return
		}
		go b.sort(conn)
	}
}

// sort waits for the first byte and passes the connection on.
func (b *both) sort(conn net.Conn) {
	first := make([]byte, 1)
	if conn.SetReadDeadline(time.Now().Add(firstByteTimeout)) != nil {
		_ = conn.Close()
		return
	}
	if _, err := conn.Read(first); err != nil || conn.SetReadDeadline(time.Time{}) != nil {
		_ = conn.Close()
		return
	}
	begun := net.Conn(&begun{Conn: conn, first: first})
	if first[0] == handshake {
		begun = tls.Server(begun, b.config)
	}
	select {
	case b.sorted <- begun:
	case <-b.closed:
		_ = conn.Close()
	}
}

// Accept returns the next connection that has begun to speak.
func (b *both) Accept() (net.Conn, error) {
	select {
	case conn := <-b.sorted:
		return conn, nil
	case <-b.closed:
		return nil, net.ErrClosed
	}
}

// Close stops accepting.
func (b *both) Close() error {
	b.stop()
	return b.Listener.Close() //nolint:wrapcheck // it is the same listener
}

func (b *both) stop() { b.once.Do(func() { close(b.closed) }) }

// begun is a connection whose first byte was read.
type begun struct {
	net.Conn
	first []byte
}

// Read returns the first byte, then what follows it.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) == 0 || len(p) == 0 {
		return b.Conn.Read(p) //nolint:wrapcheck // it is the same connection
	}
	n := copy(p, b.first)
	b.first = b.first[n:]
	return n, nil
}
