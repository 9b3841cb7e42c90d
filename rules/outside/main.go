// Command outside prints the packages whose tests Go's test cache is blind for.
// `make check` runs them anew each time, and all others only when they changed.
package main

import (
	"fmt"
	"os"
)

func main() {
	found, err := ReadersOutside(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "outside:", err)
		os.Exit(1)
	}
	for _, folder := range found {
		fmt.Println("gatehouse.example/" + folder)
	}
}
