// Package proxy is the endpoint of people and functions in front of the local
// emulator. It exists to supply what the emulator lacks, and nothing else: every
// other byte passes through as it came.
//
// One file closes one gap. Its first comment names the gap and says when the file
// can be deleted; README.md has the table, the evidence behind each behaviour and
// what is inference.
package proxy
