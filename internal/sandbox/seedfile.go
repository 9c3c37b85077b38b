package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxSeedLine bounds one line of a seed file.
const maxSeedLine = 16 << 20

// SeedLine is one line of a seed file: a record in the shape in which a vendor
// lists the object.
type SeedLine struct {
	Number int             `json:"-"` // in the file, from 1
	Object string          `json:"object"`
	Record json.RawMessage `json:"record"`
}

// ReadSeed reads records as JSON Lines, each {"object": ..., "record": {...}}, and
// returns them by object, in the order of the file. objects are the names that there
// are, example is the one that errors name. An error names the line.
func ReadSeed(r io.Reader, objects []string, example string) (map[string][]SeedLine, error) {
	lines := map[string][]SeedLine{}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), maxSeedLine)
	n := 0
	for sc.Scan() {
		n++
		text := bytes.TrimSpace(bytes.TrimPrefix(sc.Bytes(), []byte("\ufeff")))
		if len(text) == 0 {
			continue
		}
		l := SeedLine{Number: n}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		err := d.Decode(&l)
		if err == nil && d.More() {
			err = errors.New("want one object a line")
		}
		if err != nil {
			return nil, fmt.Errorf(`seed line %d: want {"object": %q, "record": {...}}: %w`, n, example, err)
		}
		if !slices.Contains(objects, l.Object) {
			return nil, fmt.Errorf("seed line %d: no object %q; objects are %s", n, l.Object, strings.Join(objects, ", "))
		}
		l.Record = bytes.Clone(l.Record)
		lines[l.Object] = append(lines[l.Object], l)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("seed line %d: %w", n+1, err)
	}
	return lines, nil
}
