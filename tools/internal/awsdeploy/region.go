package awsdeploy

import (
	"fmt"
	"io"
	"regexp"
)

// shown finds the commands in a text: of the AWS CLI, of this package, and other ones of
// gatehouse. Words in front of them end with a space, a quote or a bracket.
var shown = regexp.MustCompile(`(^|[\s'(])(?:(aws [a-z0-9-]+ (?:wait )?[a-z0-9-]+)|(gatehouse aws [a-z-]+)|(gatehouse [a-z]+ [a-z-]+))\b( --region)?`)

// inRegion adds a region to the commands in a text. The AWS CLI and `gatehouse aws` have a
// flag for it, the rest of gatehouse reads the shell's variable.
func inRegion(region, text string) string {
	return shown.ReplaceAllStringFunc(text, func(found string) string {
		m := shown.FindStringSubmatch(found)
		switch {
		case m[5] != "":
			return found
		case m[4] != "":
			return m[1] + "AWS_REGION=" + region + " " + m[4]
		}
		return m[1] + m[2] + m[3] + " --region " + region
	})
}

// regional writes commands with the region of the session's flag, because the shell of the
// reader has another one. Each text is written at once.
type regional struct {
	out    io.Writer
	region string
}

func (r regional) Write(text []byte) (int, error) {
	if _, err := io.WriteString(r.out, inRegion(r.region, string(text))); err != nil {
		return 0, fmt.Errorf("io.WriteString: %w", err)
	}
	return len(text), nil
}

// regionalError is an error whose text may show commands.
type regionalError struct {
	error
	region string
}

func (e regionalError) Error() string { return inRegion(e.region, e.error.Error()) }
func (e regionalError) Unwrap() error { return e.error }
