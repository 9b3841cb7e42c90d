// Package integration holds what each service promises to others against an
// environment that is deployed, on AWS or locally: the one that
// GATEHOUSE_ENVIRONMENT names, with the AWS configuration of the shell.
//
// It exists because the end-to-end tests own the system that they run on and may
// break it, while these may run where people are: they need no rights but the
// canary's, use its synthetic users (docs/adr/0017), and clean up. What an
// interrupted run leaves has a canary's name and goes with the next canary.
//
// One file for each service; `make integration SERVICE=x ENVIRONMENT=e` runs it.
package integration
