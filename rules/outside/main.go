// Command outside prints the packages whose tests read files of other modules, which
// Go's test cache does not see. `make check` always runs these.
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
