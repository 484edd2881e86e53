package look

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// UnknownFields lists the fields of a given state that the stored one does not have, as ".from" or ".messages[0].from",
// sorted, and the known fields of the state itself. Only the state and the elements of its lists are compared: a map
// within may get new keys.
func UnknownFields(given, stored []byte) (unknown, known []string, err error) {
	var have, had any
	if err := json.Unmarshal(given, &have); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(stored, &had); err != nil {
		return nil, nil, err
	}
	fields, ok := had.(map[string]any)
	if !ok || len(fields) == 0 { // there is nothing to compare with
		return nil, nil, nil
	}
	for name := range fields {
		known = append(known, "."+name)
	}
	unknown = newFields("", have, fields)
	slices.Sort(unknown)
	slices.Sort(known)
	return unknown, known, nil
}

// newFields lists the fields of a value, which is at a place, that had does not have.
func newFields(place string, value any, had map[string]any) (unknown []string) {
	fields, _ := value.(map[string]any)
	for name, field := range fields {
		before, ok := had[name]
		if !ok {
			unknown = append(unknown, place+"."+name)
			continue
		}
		elements, _ := field.([]any)
		all := fieldsOfElements(before)
		for i, element := range elements {
			if len(all) > 0 {
				unknown = append(unknown, newFields(fmt.Sprintf("%s.%s[%d]", place, name, i), element, all)...)
			}
		}
	}
	return unknown
}

// fieldsOfElements are the fields of all elements of a list together.
func fieldsOfElements(list any) map[string]any {
	all := make(map[string]any)
	elements, _ := list.([]any)
	for _, element := range elements {
		fields, _ := element.(map[string]any)
		maps.Copy(all, fields)
	}
	return all
}
