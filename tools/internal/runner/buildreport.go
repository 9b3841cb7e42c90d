package runner

import (
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// reports summarizes the reports of the buildspec.
func (b build) reports() ([]string, error) {
	var summaries []string
	for _, name := range slices.Sorted(maps.Keys(b.spec.Reports)) {
		r := b.spec.Reports[name]
		files, err := r.Set.find(b.dir)
		if err != nil {
			return summaries, err
		}
		if len(files) == 0 {
			return summaries, fmt.Errorf("the report %s has no file: no file matches %v in %q", name, r.Set.Files, r.Set.Base)
		}
		text, err := r.read(filepath.Join(b.dir, r.Set.Base), files)
		if err != nil {
			return summaries, fmt.Errorf("report %s: %w", name, err)
		}
		summaries = append(summaries, name+": "+text)
	}
	return summaries, nil
}

func (r reportFiles) read(dir string, files []string) (string, error) {
	var suites suite
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
		suites.Suites = append(suites.Suites, s)
	}
	if r.Format == cobertura {
		return strings.Join(rates, ", "), nil
	}
	all, failed, skipped := suites.count()
	text := fmt.Sprintf("%d tests", all)
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	return text, nil
}

// suite is a testsuites or a testsuite element of a JUnit file. Both may contain
// testsuite elements.
type suite struct {
	Suites []suite `xml:"testsuite"`
	Cases  []struct {
		Failure *struct{} `xml:"failure"`
		Error   *struct{} `xml:"error"`
		Skipped *struct{} `xml:"skipped"`
	} `xml:"testcase"`
}

func (s suite) count() (all, failed, skipped int) {
	for _, c := range s.Cases {
		all++
		switch {
		case c.Failure != nil || c.Error != nil:
			failed++
		case c.Skipped != nil:
			skipped++
		}
	}
	for _, inner := range s.Suites {
		a, f, sk := inner.count()
		all, failed, skipped = all+a, failed+f, skipped+sk
	}
	return all, failed, skipped
}
