//go:build !linux

package supervisor

// portHolder is known on Linux only.
func portHolder(int, string) string { return "" }
