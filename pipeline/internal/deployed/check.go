package deployed

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Check is one command and its report.
type Check struct {
	Environ []string
	Report  string
	Out     io.Writer
}

// suite is JUnit's form with a single case.
type suite struct {
	XMLName  xml.Name `xml:"testsuite"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Time     string   `xml:"time,attr"`
	Case     testcase `xml:"testcase"`
}

type testcase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *failure `xml:"failure"`
	Output  string   `xml:"system-out"`
}

type failure struct {
	Message string `xml:"message,attr"`
}

// Run runs the command, whose name is the last word, and writes the report also
// when it fails.
func (c Check) Run(ctx context.Context, command []string) error {
	if len(command) == 0 {
		return errors.New("name the command to run after --")
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = c.Environ
	cmd.Stdout, cmd.Stderr = io.MultiWriter(c.Out, &said), io.MultiWriter(c.Out, &said)
	start := time.Now()
	failed := cmd.Run()
	if failed != nil {
		failed = fmt.Errorf("%s: %w", strings.Join(command, " "), failed)
	}
	return errors.Join(failed, c.report(command[len(command)-1], said.String(), time.Since(start), failed))
}

func (c Check) report(name, said string, took time.Duration, failed error) error {
	seconds := fmt.Sprintf("%.3f", took.Seconds())
	s := suite{Name: "deployed", Tests: 1, Time: seconds, Case: testcase{Class: "deployed", Name: name, Time: seconds, Output: said}}
	if failed != nil {
		s.Failures, s.Case.Failure = 1, &failure{Message: failed.Error()}
	}
	raw, err := xml.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("xml.MarshalIndent: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(c.Report), 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	if err := os.WriteFile(c.Report, append([]byte(xml.Header), raw...), 0o600); err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	_, err = fmt.Fprintln(c.Out, "report", c.Report)
	return err
}
