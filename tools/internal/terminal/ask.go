package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Ask prints a question and requires the exact answer. The error of any other says that
// nothing was changed, and names the flag to use without a question.
func Ask(in io.Reader, out io.Writer, question, want, flag string) error {
	fmt.Fprintf(out, "\n%s Type %s: ", question, want)
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("bufio.Reader.ReadString: %w", err)
	}
	if line == "" { // /dev/null is a character device, too
		fmt.Fprintln(out)
		return fmt.Errorf("nothing was changed: no answer. To continue without the question, add %s", flag)
	}
	if strings.TrimSpace(line) != want {
		return errors.New("nothing was changed")
	}
	return nil
}
