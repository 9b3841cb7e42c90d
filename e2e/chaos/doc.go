// Command chaos breaks things in a real local system while people sign up and in, and
// checks from outside that nothing is lost, nothing is counted twice, and nobody is
// refused. The simulation plays far more histories, but only against services that were
// written from AWS's documentation; here the deployed functions run with their real SDK,
// over real connections that break.
//
// README.md says what is broken, and what must hold.
package main
