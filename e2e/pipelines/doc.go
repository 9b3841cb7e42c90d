// Package pipelines tests the pipelines as they are deployed, from a change of a
// service to production and back.
//
// It has a local system of its own, with the environments test and production,
// and gives the pipelines sources that are copies of this repository, edited. Most
// of them leave out what the build tests (make verify): that takes a minute each
// time, has tests of its own, and TestABreakingSchema runs it.
package pipelines
