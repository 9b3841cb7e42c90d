// Package telemetry makes what AWS's services record of what happens, so that a metric, a
// CloudTrail record and a trace id lead somewhere on a laptop, too: metrics and readable
// files of the log lines of functions, CloudTrail's records of new log groups, and X-Ray,
// with its daemon, a store, its API and the parts of a trace that AWS's own services make.
package telemetry
