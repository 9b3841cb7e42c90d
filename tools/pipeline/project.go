package pipeline

// Project is AWS::CodeBuild::Project. Settings that only AWS can apply are read
// and ignored.
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

// EnvironmentVariable is one of a project or of an action.
type EnvironmentVariable struct{ Name, Value, Type string }
