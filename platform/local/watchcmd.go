package local

import (
	"context"
	"errors"
	"os"

	"gatehouse.example/platform/local/layout"
)

// Watch is not there yet.
func Watch(context.Context, layout.Layout, *os.File) error { return errors.New("not there yet") }
