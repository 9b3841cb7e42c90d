package build

import (
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// reports counts what the buildspec's reports hold, in words.
func (j Job) reports() ([]string, error) {
	var said []string
	for _, name := range slices.Sorted(maps.Keys(j.Spec.Reports)) {
		r := j.Spec.Reports[name]
		files, err := r.find(j.Dir)
		if err != nil {
			return said, err
		}
		if len(files) == 0 {
			return said, fmt.Errorf("the report %s has no file: nothing matches %v in %q", name, r.Files.Files, r.Base)
		}
		text, err := r.read(filepath.Join(j.Dir, r.Base), files)
		if err != nil {
			return said, fmt.Errorf("report %s: %w", name, err)
		}
		said = append(said, name+": "+text)
	}
	return said, nil
}

func (r ReportFiles) read(dir string, files []string) (string, error) {
	var sum tests
	var rates []string
	for _, file := range files {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return "", fmt.Errorf("os.ReadFile: %w", err)
		}
		if r.Format == cobertura {
			var c struct {
				Rate float64 `xml:"line-rate,attr"`
			}
			if err := xml.Unmarshal(raw, &c); err != nil {
				return "", fmt.Errorf("%s: xml.Unmarshal: %w", file, err)
			}
			rates = append(rates, fmt.Sprintf("%.0f%% of lines", 100*c.Rate))
			continue
		}
		var s suite
		if err := xml.Unmarshal(raw, &s); err != nil {
			return "", fmt.Errorf("%s: xml.Unmarshal: %w", file, err)
		}
		s.count(&sum)
	}
	if r.Format == cobertura {
		return strings.Join(rates, ", "), nil
	}
	text := fmt.Sprintf("%d tests", sum.all)
	if sum.failed > 0 {
		text += fmt.Sprintf(", %d failed", sum.failed)
	}
	if sum.skipped > 0 {
		text += fmt.Sprintf(", %d skipped", sum.skipped)
	}
	return text, nil
}

type tests struct{ all, failed, skipped int }

// suite is a JUnit file's testsuites or testsuite; both may hold more of the second.
type suite struct {
	Suites []suite `xml:"testsuite"`
	Cases  []struct {
		Failure *struct{} `xml:"failure"`
		Error   *struct{} `xml:"error"`
		Skipped *struct{} `xml:"skipped"`
	} `xml:"testcase"`
}

func (s *suite) count(sum *tests) {
	for _, c := range s.Cases {
		sum.all++
		switch {
		case c.Failure != nil || c.Error != nil:
			sum.failed++
		case c.Skipped != nil:
			sum.skipped++
		}
	}
	for _, inner := range s.Suites {
		inner.count(sum)
	}
}

// Coverage tells a report of covered lines from one of tests.
func (r ReportFiles) Coverage() bool { return r.Format == cobertura }
