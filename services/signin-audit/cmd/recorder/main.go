// Command recorder is the function that writes every event of the topic into
// the audit table.
package main

import "gatehouse.example/services/signin-audit/internal/recorder"

func main() { recorder.Main() }
