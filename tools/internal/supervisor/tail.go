package supervisor

import (
	"os"
	"strings"
)

// tailLines is how much of a log is shown with an error.
const tailLines = 15

func tail(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
