// Package integration tests what each service promises to others in a deployed
// environment, on AWS or locally: the one that GATEHOUSE_ENVIRONMENT names, with the
// AWS configuration of the shell.
//
// It exists because the end-to-end tests own the system that they run on and may
// break it, while these may run where people are. They need the canary's permissions
// only, use its synthetic users (docs/adr/0017), and clean up. What an interrupted
// run leaves has a canary's name, and the next canary deletes it.
//
// There is one file for each service: `make integration SERVICE=x ENVIRONMENT=e`.
package integration
