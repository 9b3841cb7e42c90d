// Package telemetry makes what AWS's services record of what happens, so that a metric and a
// trace id lead somewhere on a laptop, too: metrics and readable files of the log lines of
// functions, and X-Ray, with its daemon, a store, its API and the parts of a trace that
// AWS's own services make. CloudTrail's records are in trail.
package telemetry
