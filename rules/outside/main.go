// Command outside prints the packages whose tests Go's test cache is blind for.
// `make check` runs them anew each time, and all others only when they changed.
package main

import (
	"fmt"
	"os"

	"gatehouse.example/rules"
)

func main() {
	found, err := rules.ReadersOutside(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "outside:", err)
		os.Exit(1)
	}
	for _, folder := range found {
		fmt.Println("gatehouse.example/" + folder)
	}
}
