package proxy

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// matched runs telemetry/filterpatterns.py with a stand-in for the emulator. It prints
// whether the line of the second argument matches the pattern of the first.
const matched = `
import json, sys, types
services = types.ModuleType("ministack.services")
services.cloudwatch_logs = types.SimpleNamespace()
sys.modules |= {"ministack": types.ModuleType("ministack"), "ministack.services": services}
from telemetry import filterpatterns
filterpatterns.install()
try:
    print(json.dumps(services.cloudwatch_logs._compile_filter_pattern(sys.argv[1])(sys.argv[2])))
except ValueError as error:
    print(json.dumps(str(error)))
`

func TestFilterPatterns(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	const object = `{"level":"ERROR","status":"503","milliseconds":3200,"time":"3200","a":{"b":"x y"},"n":null}`
	for name, tc := range map[string]struct {
		pattern, line string
		want          any // an error if it is a text
	}{
		"everything":         {``, "a", true},
		"term":               {`ERROR`, "an ERROR", true},
		"other_case":         {`ERROR`, "an error", false},
		"all_terms":          {`ERROR timeout`, "timeout, ERROR", true},
		"one_of_two":         {`ERROR timeout`, "ERROR", false},
		"phrase":             {`"Task timed out"`, "Task timed out", true},
		"phrase_taken_apart": {`"Task timed out"`, "the Task has timed out", false},
		"any":                {`?ERROR ?"Task timed out"`, "x Task timed out", true},
		"none_of_them":       {`?ERROR ?"Task timed out"`, "fine", false},
		"without":            {`ERROR -panic`, "ERROR panic", false},
		"regex":              {`%time[ds] out%`, "timed out", true},
		"point_in_quotes":    {`?"Runtime.ExitError"`, "Runtime.ExitError", true},
		"point_is_no_regex":  {`?"Runtime.ExitError"`, "Runtime ExitError", false},
		"unquoted_point":     {`Runtime.ExitError`, "Runtime.ExitError", "needs quotes"},
		"any_and_all":        {`?ERROR WARN`, "WARN", "cannot be combined"},
		"columns":            {`[ip, status=5*]`, "1 500", "are not known"},
		"equal":              {`{ $.level = "ERROR" }`, object, true},
		"unequal":            {`{ $.level = "INFO" }`, object, false},
		"not":                {`{ $.level != "INFO" }`, object, true},
		"not_there":          {`{ $.nothing != "INFO" }`, object, false},
		"null":               {`{ $.n = "x" }`, object, false},
		"star":               {`{ $.status = 5* }`, object, true},
		"another_star":       {`{ $.status = 4* }`, object, false},
		"star_in_quotes":     {`{ $.level = "E*R" }`, object, true},
		"nested":             {`{ $.a.b = "x y" }`, object, true},
		"number":             {`{ $.milliseconds > 3000 }`, object, true},
		"number_too_small":   {`{ $.milliseconds > 4000 }`, object, false},
		"number_is_equal":    {`{ $.milliseconds = 3200 }`, object, true},
		"text_is_no_number":  {`{ $.time > 3000 }`, object, false},
		"regex_of_a_text":    {`{ $.time = %^[3-9][0-9]{3}$% }`, object, true},
		"and":                {`{ $.level = "ERROR" && $.status != "503" }`, object, false},
		"or":                 {`{ $.level = "INFO" || $.status = 503 }`, object, true},
		"brackets":           {`{ ($.level = "INFO" || $.status = 503) && $.a.b = "x*" }`, object, true},
		"no_object":          {`{ $.level = "ERROR" }`, "level ERROR", false},
		"half":               {`{ $.level = }`, object, "ends too early"},
		"exists":             {`{ $.level EXISTS x }`, object, "is not known"},
		"no_selector":        {`{ level = "ERROR" }`, object, "not a selector"},
		"unknown_sign":       {`{ $.level ~ "ERROR" }`, object, "is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), python, "-B", "-c", matched, tc.pattern, tc.line)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got any
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			want, fails := tc.want.(string)
			if text, is := got.(string); fails != is || fails && !strings.Contains(text, want) || !fails && got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
