package deploy

import (
	"os"
	"strings"
)

// relevantLines is how much of a log goes with an error.
const relevantLines = 12

// Relevant returns the end of a log, without empty lines and rulers.
func Relevant(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimRight(line, " \r\n"); strings.Trim(line, "-= ") != "" {
			lines = append(lines, "  "+line)
		}
	}
	shown := lines[max(0, len(lines)-relevantLines):]
	return strings.Join(shown, "\n") + "\n  (all of it: " + path + ")"
}
