// Command activity is the function behind the API's route /activity.
package main

import "gatehouse.example/services/signin-audit/internal/activity"

func main() { activity.Main() }
