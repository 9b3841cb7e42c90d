// Package signinaudittest gives the simulation of the whole system this service's
// functions, without their mains: they are built with clients of the simulation.
package signinaudittest

import (
	"gatehouse.example/lambdakit/trigger"
	"gatehouse.example/services/signin-audit/internal/recorder"
	"gatehouse.example/services/signin-audit/internal/signin"
)

// The recorder and its table.
type (
	Recorder = recorder.Recorder
	Table    = recorder.Table
)

// Attempted is the PreAuthentication trigger.
func Attempted(p signin.Publisher) trigger.Func { return signin.Attempted(p) }

// Succeeded is the PostAuthentication trigger.
func Succeeded(p signin.Publisher) trigger.Func { return signin.Succeeded(p) }
