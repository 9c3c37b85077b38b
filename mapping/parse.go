package mapping

import "salesbook.dev/internal/strictyaml"

// document is what a map is to the reader of YAML.
func document() strictyaml.Document {
	return strictyaml.Document{Noun: "map", Hint: "a map lists fields, not data"}
}

// Parse reads a map from YAML. name stands for the text in messages, usually a
// file's name. The error is Problems with file, line and column.
//
// Only the plain part of YAML is accepted, see package strictyaml.
func Parse(name string, text []byte) (*File, error) {
	root, problem := document().Parse(name, text)
	if problem != nil {
		return nil, Problems{{Place: problem.Place, Value: problem.Value, Reason: problem.Reason, Hint: problem.Hint}}
	}
	r := reader{name: name}
	f := r.file(root)
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	return f, nil
}
