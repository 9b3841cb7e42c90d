// Package signinaudittest gives the simulation of the whole system, and the rules, this
// service's functions without their mains: they are built with clients of a test. The
// tool has its explanation of a record from here.
package signinaudittest

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/trigger"
	"gatehouse.example/services/signin-audit/findings"
	"gatehouse.example/services/signin-audit/internal/announcer"
	"gatehouse.example/services/signin-audit/internal/recorder"
	"gatehouse.example/services/signin-audit/internal/signin"
	"gatehouse.example/services/signin-audit/internal/signinrecords"
)

// The recorder and its table.
type (
	Recorder = recorder.Recorder
	Row      = recorder.Row
	Table    = recorder.Table
)

// Records is the function that reads CloudTrail's records of sign-ins.
type Records = signinrecords.Intake

// ExplainRecord says in one line what a record becomes.
func ExplainRecord(body []byte) string { return signinrecords.Explain(body) }

// Attempted is the PreAuthentication trigger.
func Attempted(p signin.Publisher) trigger.Func { return signin.Attempted(p) }

// Succeeded is the PostAuthentication trigger.
func Succeeded(p signin.Publisher) trigger.Func { return signin.Succeeded(p) }

// Findings is the function that evaluates the rules of findings, with a table of these
// rows and without settings.
func Findings(p announcer.Publisher, rows []findings.Row, now func() time.Time, log *slog.Logger) lambda.Handler {
	a := &announcer.Announcer{Rows: given(rows), Settings: given(nil), Publisher: p, Environment: "local", Log: log, Out: io.Discard, Now: now}
	return function.JSON(a.Handle)
}

// given is a table with these rows, and settings without a line.
type given []findings.Row

func (g given) Read(context.Context, []findings.Rule, time.Time, time.Time) (*findings.Rows, error) {
	return findings.NewRows(g), nil
}

func (given) Known(context.Context, time.Time, time.Time) (map[string]bool, error) { return nil, nil }

func (given) Values(context.Context) ([]string, error) { return nil, nil }
