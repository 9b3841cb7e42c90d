package encryptor

import (
	"errors"
	"fmt"
	"strconv"

	"gatehouse.example/lambdakit/function"
)

// Settings are what the template puts into the function's environment.
type Settings struct {
	Environment string
	KeyARN      string
	Prefixes    Prefixes
	// RetentionDays is for groups without a retention; 0 leaves them without.
	RetentionDays int32
}

// ReadSettings names the variable that is missing or wrong, instead of failing
// later without a name.
func ReadSettings(getenv func(string) string) (Settings, error) {
	s := Settings{Prefixes: ParsePrefixes(getenv("INCLUDE_PREFIXES"), getenv("EXCLUDE_PREFIXES"))}
	if err := function.ReadEnv(getenv, map[string]*string{"GATEHOUSE_ENVIRONMENT": &s.Environment, "LOG_KEY_ARN": &s.KeyARN}); err != nil {
		return s, err
	}
	if len(s.Prefixes.Include) == 0 {
		return s, errors.New("environment variable INCLUDE_PREFIXES has no prefix")
	}
	days, err := strconv.ParseInt(getenv("RETENTION_DAYS"), 10, 32)
	if err != nil || days < 0 {
		return s, fmt.Errorf("environment variable RETENTION_DAYS is %q, not a number of days", getenv("RETENTION_DAYS"))
	}
	s.RetentionDays = int32(days)
	return s, nil
}
