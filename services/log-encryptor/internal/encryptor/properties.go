package encryptor

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	keep         = "Keep"
	disassociate = "Disassociate"
)

// properties are those of Custom::LogGroupEncryption.
type properties struct {
	// LogGroupName is the whole name of one group.
	LogGroupName string
	// RetentionInDays replaces the group's retention; 0 does not change it.
	RetentionInDays int32
	// CreateIfMissing creates the group, encrypted from its first line on.
	CreateIfMissing bool
	// OnDelete says whether deleting the resource removes the key.
	OnDelete string
}

// retentions are the days that PutRetentionPolicy takes.
func retentions() []int64 {
	return []int64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

// parseProperties reads the properties as CloudFormation sends them: every value is a string.
// It refuses unknown properties, because a misspelt one would silently have no effect.
func parseProperties(in map[string]any) (properties, error) {
	p := properties{OnDelete: keep}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		value, ok := in[name].(string)
		if !ok {
			return p, fmt.Errorf("property %s is not a single value", name)
		}
		var err error
		switch name {
		case "ServiceToken", "ServiceTimeout":
		case "Revision": // any text: a change of it makes CloudFormation send an update, which repairs
		case "LogGroupName":
			p.LogGroupName = value
		case "RetentionInDays":
			p.RetentionInDays, err = retention(value)
		case "CreateIfMissing":
			p.CreateIfMissing, err = boolean(name, value)
		case "OnDelete":
			if p.OnDelete = value; value != keep && value != disassociate {
				err = fmt.Errorf("property OnDelete is %q; it is %s or %s", value, keep, disassociate)
			}
		default:
			err = fmt.Errorf("property %s is not known; there are CreateIfMissing, LogGroupName, OnDelete, RetentionInDays and Revision", name)
		}
		if err != nil {
			return p, err
		}
	}
	if !isGroupName(p.LogGroupName) {
		return p, fmt.Errorf("property LogGroupName is %q; it is the name of one log group: 1 to 512 letters, digits and . - _ / #, not beginning with aws/", p.LogGroupName)
	}
	return p, nil
}

func isGroupName(name string) bool {
	return regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`).MatchString(name) && !strings.HasPrefix(name, "aws/")
}

func retention(value string) (int32, error) {
	days, err := strconv.ParseInt(value, 10, 32)
	if err != nil || !slices.Contains(retentions(), days) {
		return 0, fmt.Errorf("property RetentionInDays is %q; CloudWatch Logs takes %s", value, strings.Trim(fmt.Sprint(retentions()), "[]"))
	}
	return int32(days), nil
}

func boolean(name, value string) (bool, error) {
	if value != "true" && value != "false" {
		return false, fmt.Errorf("property %s is %q; it is true or false", name, value)
	}
	return value == "true", nil
}
