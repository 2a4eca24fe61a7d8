// Reads a Compose file as `docker compose config` does, with the same library: by the schema of the Compose specification,
// with anchors, merges and variables resolved. Prints the project as JSON; what is wrong goes to standard error.
// `compose context DOCKERFILE ROOT` prints what Docker would be sent of ROOT to build from DOCKERFILE.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run takes the file, and variables as NAME=value.
func run(args []string) error {
	if len(args) == 3 && args[0] == "context" {
		return listContext(args[1], args[2])
	}
	if len(args) == 0 {
		return fmt.Errorf("which file?")
	}
	options, err := cli.NewProjectOptions(args[:1], cli.WithEnv(args[1:]))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(project)
}
