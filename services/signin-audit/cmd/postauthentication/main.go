// Command postauthentication is the function that Cognito calls when a person
// has proved who they are and the tokens are about to be handed out.
package main

import "gatehouse.example/services/signin-audit/internal/signin"

func main() { signin.Main(signin.Succeeded) }
