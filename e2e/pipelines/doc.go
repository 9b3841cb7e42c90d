// Package pipelines tests the deployed pipelines, from a change of a service to
// production and a rollback.
//
// It has its own local system, with the environments test and production. The
// sources of the pipelines are edited copies of this repository. Most of them skip
// the tests of the build (make verify), which take a minute and have their own
// tests. TestBreakingSchema runs them.
package pipelines
