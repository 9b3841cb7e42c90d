// Command preauthentication is the function that Cognito calls before it
// checks a password.
package main

import "gatehouse.example/services/signin-audit/internal/signin"

func main() { signin.Main(signin.Attempted) }
