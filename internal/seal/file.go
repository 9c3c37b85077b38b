package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// others are the permission bits that a key file must not have.
const others = 0o077

// read loads and checks a key file. Nothing that the parser says is passed on,
// so that it can never quote a key.
func read(path string) (keys, error) {
	f, err := os.Open(path)
	if err != nil {
		return keys{}, fmt.Errorf("key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return keys{}, fmt.Errorf("key file: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() {
		return keys{}, fmt.Errorf("key file %s is not a file (%s)", path, mode)
	} else if mode.Perm()&others != 0 {
		return keys{}, fmt.Errorf("key file %s is open to other users (mode %04o); run: chmod 600 %s", path, mode.Perm(), path)
	}
	k, err := understand(f)
	if err != nil {
		return keys{}, fmt.Errorf("key file %s is damaged or is no key file of salesbook; restore it from your copy", path)
	}
	k.file = info
	return k, nil
}

func understand(f *os.File) (keys, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(f))
	if err != nil {
		return keys{}, err
	}
	cipher, err := aead.New(handle)
	if err != nil {
		return keys{}, err
	}
	k := keys{handle: handle, cipher: cipher}
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return keys{}, err
		}
		k.ids = append(k.ids, entry.KeyID())
		if entry.IsPrimary() {
			k.primary = entry.KeyID()
		}
	}
	return k, nil
}

// write puts the keys in place in one step: a reader sees the old file or the
// new one, also after a crash.
func write(path string, handle *keyset.Handle) error {
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a link stays a link
	}
	if err := replace(path, text.Bytes()); err != nil {
		return fmt.Errorf("key file %s was not changed: %w", path, err)
	}
	return nil
}

// replace does not keep the old file's modification time or links, but its
// owner: root may rotate the key of a service that runs as somebody else.
func replace(path string, content []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, adopt(f, path), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// adopt gives f the owner of the key file, if there is one.
func adopt(f *os.File, path string) error {
	old, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	owner, ok := old.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Geteuid() {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// syncDir makes the renaming last through a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// locked runs change while no other process changes the file. The lock is a
// file beside it, because the key file itself is replaced.
func locked(path string, change func() error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	defer lock.Close() // releases the lock
	if err := adopt(lock, path); err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	for {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
		if err == nil {
			return change()
		}
		if !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("key file %s: locking %s: %w (is it on a network file system without locks?)", path, lock.Name(), err)
		}
	}
}
