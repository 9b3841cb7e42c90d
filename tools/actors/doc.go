// Package actors has the clients of a deployed environment: a user who signs up
// and in, a machine, a guest, a caller of the API, a subscriber of the topic, and
// readers of metrics and audit rows. The demo, the canary, the integration tests
// and the end-to-end tests share them, so that all four use an environment the
// same way. They use public APIs only and work on AWS as they do locally.
package actors
