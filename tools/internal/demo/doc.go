// Package demo signs one user up and in on a running local system, and shows what
// each step causes: an event, a metric and an audit row. It exists so that a
// newcomer sees in a minute what Gatehouse does. Like any client, it uses public
// APIs and the names in the env file only.
//
// The steps are data, in acts.go. The demo waits for everything with a deadline and
// ends with an error that names what is missing.
package demo
