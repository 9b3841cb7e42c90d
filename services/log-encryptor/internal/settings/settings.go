// Package settings reads what the template puts into the function's environment,
// and says which variable is wrong instead of failing later without a name.
package settings

import (
	"errors"
	"fmt"
	"strconv"

	"gatehouse.example/services/log-encryptor/internal/prefix"
)

// Settings are the function's.
type Settings struct {
	Environment string
	KeyARN      string
	Prefixes    prefix.Set
	// RetentionDays is for groups that have none; 0 leaves them so.
	RetentionDays int32
}

// Read reads them all.
func Read(getenv func(string) string) (Settings, error) {
	s := Settings{
		Environment: getenv("GATEHOUSE_ENVIRONMENT"), KeyARN: getenv("LOG_KEY_ARN"),
		Prefixes: prefix.Parse(getenv("INCLUDE_PREFIXES"), getenv("EXCLUDE_PREFIXES")),
	}
	switch {
	case s.Environment == "":
		return s, errors.New("environment variable GATEHOUSE_ENVIRONMENT is not set")
	case s.KeyARN == "":
		return s, errors.New("environment variable LOG_KEY_ARN is not set")
	case len(s.Prefixes.Include) == 0:
		return s, errors.New("environment variable INCLUDE_PREFIXES holds no prefix")
	}
	days, err := strconv.ParseInt(getenv("RETENTION_DAYS"), 10, 32)
	if err != nil || days < 0 {
		return s, fmt.Errorf("environment variable RETENTION_DAYS is %q, not a number of days", getenv("RETENTION_DAYS"))
	}
	s.RetentionDays = int32(days)
	return s, nil
}
