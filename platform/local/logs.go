package local

import (
	"context"
	"errors"
	"io"

	"gatehouse.example/platform/local/layout"
)

// Logs is not there yet.
func Logs(context.Context, layout.Layout, []string, bool, io.Writer) error { return errors.New("not there yet") }
