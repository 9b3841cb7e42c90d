// Package e2e tests Gatehouse as its users see it: on a newly deployed local system
// of its own, with SDKs, command lines and browsers.
//
// Each file is named after what it tests. actors_test.go connects the shared actors
// of tools/actors with the system, schedule_test.go says which tests may run at the
// same time. When all tests have passed, permissions_test.go compares what each role
// may do with what it did in them.
//
// TestMain starts the system in .local/test on its own ports, so that it does not
// disturb a running `make up`, and stops it afterwards. With E2E_REUSE=1 the tests
// use a running system and leave it running, for quick repetitions while developing.
package e2e
