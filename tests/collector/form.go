package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// What the decoder takes as a number, too, but a sender must write as a decimal string: other readers have no 64 bits.
var long = map[string]bool{
	"startTimeUnixNano": true, "endTimeUnixNano": true, "timeUnixNano": true, "intValue": true,
}

// What the decoder takes by its name, too, but the protocol allows as a number only.
var enum = map[string]bool{"kind": true, "code": true}

// checkForm refuses JSON that the decoder forgives and other readers of the protocol need not.
func checkForm(body []byte) error {
	// The decoder stops where its message ends, and does not ask for UTF-8.
	var whole any
	if err := json.Unmarshal(body, &whole); err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return errors.New("not UTF-8")
	}
	if _, isObject := whole.(map[string]any); !isObject {
		return errors.New("not an object")
	}
	tokens := json.NewDecoder(bytes.NewReader(body))
	tokens.UseNumber()
	return checkValue(tokens, "")
}

// checkValue reads one value, that of the field `name`.
func checkValue(tokens *json.Decoder, name string) error {
	token, err := tokens.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case json.Number:
		if long[name] {
			return fmt.Errorf("%s: a number, not a decimal string", name)
		}
	case string:
		if enum[name] {
			return fmt.Errorf("%s: a string, not a number", name)
		}
	case json.Delim:
		seen := map[string]bool{}
		for tokens.More() {
			if token == '{' {
				key, err := tokens.Token()
				if err != nil {
					return err
				}
				name = key.(string)
				if err := checkName(name, seen); err != nil {
					return err
				}
			}
			if err := checkValue(tokens, name); err != nil {
				return err
			}
		}
		_, err = tokens.Token()
		return err
	}
	return nil
}

func checkName(name string, seen map[string]bool) error {
	if name == "" {
		// The decoder would take it for the end of the object.
		return errors.New("a field without a name")
	}
	if strings.Contains(name, "_") {
		return fmt.Errorf("%s: not in lowerCamelCase", name)
	}
	if seen[name] {
		return fmt.Errorf("%s: twice in an object", name)
	}
	seen[name] = true
	return nil
}
