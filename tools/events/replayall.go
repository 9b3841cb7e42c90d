package events

import (
	"context"
	"io"
	"path"
)

// Mover is what Replay needs of SQS.
type Mover interface{ mover }

// Replay is `gatehouse events dead replay` of all events of one dead-letter queue, named by the
// URLs of the queue and of its source. It says on out what it moved and what it left.
func Replay(ctx context.Context, client Mover, from, to string, out io.Writer) error {
	q := deadLetterQueue{name: path.Base(from), url: from, sources: []queue{{name: path.Base(to), url: to}}}
	return (&replayer{client: client, out: out}).replay(ctx, q, replayOptions{})
}
