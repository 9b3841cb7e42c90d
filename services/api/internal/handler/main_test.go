package handler

import (
	"fmt"
	"os"
	"testing"

	"gatehouse.example/lambdakit/tracing"
)

func TestMain(m *testing.M) {
	// As the function does, once: outside of a trace nothing is reported.
	if err := tracing.Configure(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
