// Package e2e tests Gatehouse as its users meet it: on a freshly deployed local
// system of its own, with clients that were not written here.
//
// The tests stand in the files of what they show: story_test.go is the way of
// one person through sign-up and sign-in, flows_test.go every other way in,
// delivery_test.go what happens when the topic is away, deploy_test.go that a
// service deploys alone, aws_test.go that the way to an account and back is whole,
// losses_test.go that no change set costs what cannot be made again,
// evil_test.go what strangers send, browser_test.go the way of a person with a
// browser, tamper_test.go what strangers do to it, machine_test.go what a machine
// may, credentials_test.go and clientevents_test.go what the identity pool's
// guests and users may, canary_test.go that the canary finds what is broken.
//
// When all of them have passed, unused_test.go holds what each role may do to what
// it did in them.
//
// The system is started by TestMain in .local/test on its own ports, beside a
// running `make up`, and is stopped afterwards. With E2E_REUSE=1 a system that
// is up is used and left up, for quick repetitions while developing.
package e2e
