// Package demo plays the way of one person through sign-up and sign-in on a
// running system, and shows what every act of hers becomes: an event, a metric
// and an audit row. It exists so that a stranger sees in a minute what Gatehouse
// does, and it uses nothing but what any client has: the public APIs and the
// names in the env file.
//
// The acts are data, in acts.go. Everything is waited for, with a deadline;
// whatever fails to come out ends the demo with an error that names it.
package demo
