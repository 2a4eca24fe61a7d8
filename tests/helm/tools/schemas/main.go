// Makes JSON Schemas of Kubernetes' own description of its kinds, and of definitions of custom ones.
//
//	schemas FOLDER SWAGGER CRD...
//
// One file for each kind and version, named as kubeconform asks for it; a field that is not described is refused.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// An object of JSON.
type object = map[string]any

// All definitions of Kubernetes, which its kinds refer to.
const definitions = "_definitions.json"

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: schemas FOLDER SWAGGER CRD...")
		os.Exit(2)
	}
	folder := os.Args[1]
	err := builtIn(folder, os.Args[2])
	for _, path := range os.Args[3:] {
		if err == nil {
			err = custom(folder, path)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// builtIn writes the schemas of the kinds in an OpenAPI 2 document.
func builtIn(folder, path string) error {
	var document struct {
		Definitions map[string]struct {
			Kinds []kind `json:"x-kubernetes-group-version-kind"`
		}
	}
	var all struct{ Definitions object }
	for _, into := range []any{&document, &all} {
		if err := parse(path, into); err != nil {
			return err
		}
	}
	if len(all.Definitions) == 0 {
		return fmt.Errorf("%s defines nothing", path)
	}
	if err := write(folder, definitions, object{"definitions": strict(all.Definitions)}); err != nil {
		return err
	}
	for name, definition := range document.Definitions {
		// What belongs to several kinds is none itself, such as DeleteOptions.
		if len(definition.Kinds) != 1 {
			continue
		}
		schema := object{"$ref": definitions + "#/definitions/" + name}
		if err := write(folder, definition.Kinds[0].file(), schema); err != nil {
			return err
		}
	}
	return nil
}

// custom writes the schemas of a CustomResourceDefinition's versions.
func custom(folder, path string) error {
	var definition struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct{ OpenAPIV3Schema object }
			}
		}
	}
	if err := parse(path, &definition); err != nil {
		return err
	}
	for _, version := range definition.Spec.Versions {
		schema := version.Schema.OpenAPIV3Schema
		properties, isObject := schema["properties"].(object)
		if !isObject {
			return fmt.Errorf("%s has no schema for %s", path, version.Name)
		}
		// The API server itself sees to this one.
		delete(properties, "metadata")
		schema = strict(schema).(object)
		schema["properties"].(object)["metadata"] = object{"type": "object"}
		named := kind{Group: definition.Spec.Group, Version: version.Name, Kind: definition.Spec.Names.Kind}
		if err := write(folder, named.file(), schema); err != nil {
			return err
		}
	}
	return nil
}

type kind struct{ Group, Version, Kind string }

// file is how kubeconform names it: deployment-apps-v1.json, service-v1.json.
func (kind kind) file() string {
	group, _, _ := strings.Cut(kind.Group, ".")
	parts := []string{kind.Kind, group, kind.Version}
	if group == "" {
		parts = []string{kind.Kind, kind.Version}
	}
	return strings.ToLower(strings.Join(parts, "-")) + ".json"
}

// strict refuses, in everything that is described, what is not; and says in JSON Schema what only Kubernetes' dialect says.
func strict(node any) any {
	switch node := node.(type) {
	case []any:
		for index, item := range node {
			node[index] = strict(item)
		}
	case object:
		for key, value := range node {
			node[key] = strict(value)
		}
		if isNumberOrText(node) {
			delete(node, "type")
			delete(node, "format")
			node["oneOf"] = []any{object{"type": "string"}, object{"type": "integer"}}
		}
		_, isDescribed := node["properties"].(object)
		_, isOpen := node["additionalProperties"]
		if isDescribed && !isOpen && node["x-kubernetes-preserve-unknown-fields"] != true {
			node["additionalProperties"] = false
		}
	}
	return node
}

func isNumberOrText(node object) bool {
	description, _ := node["description"].(string)
	isQuantity := node["type"] == "string" && strings.HasPrefix(description, "Quantity is a fixed-point representation")
	return isQuantity || node["type"] == "string" && node["format"] == "int-or-string"
}

func parse(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func write(folder, name string, schema any) error {
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name), text, 0o644)
}
