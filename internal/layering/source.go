package layering

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// pkg is the Go files of one folder.
type pkg struct {
	dir   string // slash-separated, from the module's root
	name  string // of its files that are not tests; empty when there are none
	files []file
}

// file is one parsed file.
type file struct {
	path string
	test bool // _test.go
	ast  *ast.File
	set  *token.FileSet
}

// load parses the module, folders in order.
func load(fsys fs.FS) ([]*pkg, error) {
	byDir := map[string]*pkg{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return enter(fsys, name)
		case path.Ext(name) != ".go":
			return nil
		}
		f, err := parse(fsys, name)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		if byDir[dir] == nil {
			byDir[dir] = &pkg{dir: dir}
		}
		byDir[dir].add(f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []*pkg
	for _, p := range byDir {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *pkg) int { return strings.Compare(a.dir, b.dir) })
	return all, nil
}

// enter skips folders that are not part of the module.
func enter(fsys fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir // a module of its own
	}
	return nil
}

func parse(fsys fs.FS, name string) (file, error) {
	source, err := fs.ReadFile(fsys, name)
	if err != nil {
		return file{}, err
	}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return file{}, fmt.Errorf("a file cannot be parsed: %w", err)
	}
	return file{path: name, test: strings.HasSuffix(name, "_test.go"), ast: tree, set: set}, nil
}

func (p *pkg) add(f file) {
	p.files = append(p.files, f)
	if !f.test {
		p.name = f.ast.Name.Name
	}
}

// sources returns the files that are not tests.
func (p *pkg) sources() []file {
	return slices.DeleteFunc(slices.Clone(p.files), func(f file) bool { return f.test })
}

// imported returns the path that an import names.
func imported(spec *ast.ImportSpec) string {
	name, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return name
}

// ours returns the folder of a package of the module, and whether it is one.
func ours(importPath string) (dir string, ok bool) {
	if importPath == Module {
		return ".", true
	}
	return strings.CutPrefix(importPath, Module+"/")
}

// within reports whether dir is the folder that the pattern names, or, for a
// pattern that ends in "/...", below it as well.
func within(dir, pattern string) bool {
	root, tree := strings.CutSuffix(pattern, "/...")
	return dir == root || tree && strings.HasPrefix(dir, root+"/")
}
