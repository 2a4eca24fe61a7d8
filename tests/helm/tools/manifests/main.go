// Judges manifests as a cluster would that is asked to create them, and prints them as a JSON list.
//
// They come in YAML on stdin. Each is decoded strictly, defaulted and validated by the very code that Kubernetes' API server
// runs, warnings being faults, too; and every Pod has to obey the Pod Security Standard "restricted". What is wrong goes to
// stderr, all of it, and the exit code is 1.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	manifests, faults := read(os.Stdin)
	for _, manifest := range manifests {
		for _, fault := range judge(manifest) {
			faults = append(faults, fmt.Errorf("%s: %w", name(manifest), fault))
		}
	}
	if len(faults) > 0 {
		fmt.Fprintln(os.Stderr, errors.Join(faults...))
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(manifests); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// read parses every document that is not empty.
func read(input io.Reader) (manifests []json.RawMessage, faults []error) {
	manifests = []json.RawMessage{}
	decoder := yaml.NewYAMLOrJSONDecoder(input, 4096)
	for {
		var manifest json.RawMessage
		switch err := decoder.Decode(&manifest); {
		case errors.Is(err, io.EOF):
			return manifests, faults
		case err != nil:
			return manifests, append(faults, err)
		case len(manifest) > 0 && string(manifest) != "null":
			manifests = append(manifests, manifest)
		}
	}
}

// name is what a fault of the manifest is told with.
func name(manifest json.RawMessage) string {
	var head struct {
		Kind     string
		Metadata struct{ Name string }
	}
	if json.Unmarshal(manifest, &head) != nil {
		return "a manifest"
	}
	return head.Kind + "/" + head.Metadata.Name
}
