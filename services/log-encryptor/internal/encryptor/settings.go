// Package settings reads what the template puts into the function's environment,
// and says which variable is wrong instead of failing later without a name.
package settings

import (
	"errors"
	"fmt"
	"strconv"

	"gatehouse.example/lambdakit/env"
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
	s := Settings{Prefixes: prefix.Parse(getenv("INCLUDE_PREFIXES"), getenv("EXCLUDE_PREFIXES"))}
	if err := env.Read(getenv, map[string]*string{"GATEHOUSE_ENVIRONMENT": &s.Environment, "LOG_KEY_ARN": &s.KeyARN}); err != nil {
		return s, err
	}
	if len(s.Prefixes.Include) == 0 {
		return s, errors.New("environment variable INCLUDE_PREFIXES holds no prefix")
	}
	days, err := strconv.ParseInt(getenv("RETENTION_DAYS"), 10, 32)
	if err != nil || days < 0 {
		return s, fmt.Errorf("environment variable RETENTION_DAYS is %q, not a number of days", getenv("RETENTION_DAYS"))
	}
	s.RetentionDays = int32(days)
	return s, nil
}
