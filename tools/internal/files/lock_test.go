package lockfile

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "lock")
	if held, err := Held(path); held || err != nil {
		t.Fatalf("before: %v, %v", held, err)
	}
	unlock, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Try(path); !errors.Is(err, ErrHeld) {
		t.Errorf("second Try: %v, want ErrHeld", err)
	}
	if held, err := Held(path); !held || err != nil {
		t.Errorf("while held: %v, %v", held, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Wait(gone, path); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with an ended context: %v", err)
	}
	got := make(chan error, 1)
	go func() {
		again, err := Wait(t.Context(), path)
		if err == nil {
			again()
		}
		got <- err
	}()
	unlock()
	if err := <-got; err != nil {
		t.Errorf("Wait: %v", err)
	}
}
