// Command handler is the function that answers the REST API's own routes.
package main

import "gatehouse.example/services/api/internal/handler"

func main() { handler.Main() }
