// Package proxy is the endpoint of people and functions in front of the local emulator.
// It supplies what the emulator lacks and nothing else: every other byte passes through
// as it came.
//
// This package routes. One package below it closes one gap, and no two of them import
// each other, so that each goes with its lines in newHandler on the day the emulator
// closes the gap itself. README.md has the table, the evidence behind each behaviour and
// what is inference.
package proxy
