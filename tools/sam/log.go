package sam

import (
	"os"
	"regexp"
	"strings"
)

// shownLines is how many lines of a log are part of an error.
const shownLines = 12

// LogEnd returns the last lines of a log, without empty lines and rulers, and the
// log's path.
func LogEnd(path string) string {
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
	shown := lines[max(0, len(lines)-shownLines):]
	return strings.Join(shown, "\n") + "\n  (full log: " + path + ")"
}

// repetition is how CloudFormation refuses a call that SAM's AWS SDK repeated
// because the answer was lost. SAM gives no token to these calls.
var repetition = regexp.MustCompile(`\((AlreadyExistsException|InvalidChangeSetStatus\w*)\) when calling the (Create|Execute)ChangeSet operation`)

func repeated(log string) bool {
	raw, err := os.ReadFile(log)
	return err == nil && repetition.Match(raw)
}
