module gatehouse.example/rules

go 1.26.0

require (
	gatehouse.example/platform/local v0.0.0
	github.com/google/go-cmp v0.7.0
	gopkg.in/yaml.v3 v3.0.1
)

require github.com/bmatcuk/doublestar/v4 v4.9.1

require (
	gatehouse.example/pipeline v0.0.0
	github.com/BurntSushi/toml v1.6.0 // indirect
)

replace gatehouse.example/platform/local => ../platform/local

replace gatehouse.example/pipeline => ../pipeline

replace gatehouse.example/platform/branding => ../platform/branding
