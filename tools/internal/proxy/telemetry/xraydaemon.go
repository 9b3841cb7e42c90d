package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// maxPacket is the most that fits into a UDP packet.
const maxPacket = 64 << 10

// Serve receives what tracing SDKs send until ctx is done. Nothing is answered:
// a sender never learns whether anybody listens.
func (s *Store) Serve(ctx context.Context, conn net.PacketConn) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	packet := make([]byte, maxPacket)
	for {
		n, _, err := conn.ReadFrom(packet)
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("net.PacketConn.ReadFrom: %w", err)
		}
		documents, err := parsePacket(packet[:n])
		if err != nil {
			s.malformed()
			continue
		}
		s.Add(documents...)
	}
}
