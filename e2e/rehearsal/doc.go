// Package rehearsal deploys an environment from a bare account, with the commands that
// deploy to AWS, and keeps the transcript in docs/rehearsal.md true.
package rehearsal
