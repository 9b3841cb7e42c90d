package definition

import "strings"

// Project is AWS::CodeBuild::Project; what only AWS itself can do with it is
// taken and left alone.
type Project struct {
	Name        string
	Description string
	ServiceRole string
	Source      struct{ Type, BuildSpec string }
	Artifacts   struct{ Type string }
	Environment struct {
		Type, ComputeType, Image string
		PrivilegedMode           bool `json:",string"`
		ImagePullCredentialsType string
		EnvironmentVariables     []EnvironmentVariable
	}
	Cache struct {
		Type, Location, CacheNamespace string
		Modes                          []string
	}
	EncryptionKey          string
	TimeoutInMinutes       int `json:",string"`
	QueuedTimeoutInMinutes int `json:",string"`
	ConcurrentBuildLimit   int `json:",string"`
	LogsConfig             struct {
		CloudWatchLogs struct{ Status, GroupName, StreamName string }
		S3Logs         struct{ Status string }
	}
	Visibility string
	Tags       []struct{ Key, Value string }
}

// EnvironmentVariable of a project or of an action.
type EnvironmentVariable struct{ Name, Value, Type string }

// parameter makes a list of what is declared as one.
func parameter(typ, value string) any {
	if !strings.HasPrefix(typ, "List<") && typ != "CommaDelimitedList" {
		return value
	}
	out := []any{}
	for _, v := range strings.Split(value, ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}
