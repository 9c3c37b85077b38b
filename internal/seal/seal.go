// Package seal keeps credentials unreadable in the database, its dumps and its
// backups.
//
// A value is sealed with the primary key of a key file that lives outside the
// database (AES-256-GCM in a Tink keyset). What is sealed is bound to its place
// by associated data, so that a value moved to another row does not open.
// Rotation adds a new primary key and keeps the old ones; when every stored
// value has been sealed again, the old ones can be dropped. Losing the file
// costs consent, which people can give again, and nothing else.
package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

var (
	// ErrWrongKey is in the chain of Unseal's error when the key file lacks the
	// key that the value was sealed with.
	ErrWrongKey = errors.New("the key file does not fit this database")
	// ErrDamaged is in the chain of Unseal's error when the value was altered,
	// or belongs to another place.
	ErrDamaged = errors.New("the sealed value is damaged or was moved from another place")
)

// Keyring seals and unseals with the keys of one key file. It is safe for
// concurrent use, and follows changes that other processes make to the file.
type Keyring struct {
	path string

	mu   sync.RWMutex
	keys keys
}

// keys is the content of a key file at one moment. It is never changed.
type keys struct {
	handle  *keyset.Handle
	cipher  tink.AEAD
	primary uint32
	ids     []uint32
	file    fs.FileInfo // of the file that was read
}

// Create makes a new key file with one key, readable by its owner only, and
// the directory above it where missing. An existing file is never replaced:
// the error then matches fs.ErrExist.
func Create(path string) (*Keyring, error) {
	err := locked(path, func() error {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("key file %s: %w; it is not replaced, since what it sealed could never be opened again", path, fs.ErrExist)
		}
		handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
		if err != nil {
			return fmt.Errorf("key file %s: a new key cannot be made: %w", path, err)
		}
		return write(path, handle)
	})
	if err != nil {
		return nil, err
	}
	return Open(path)
}

// Open reads a key file. The error matches fs.ErrNotExist when there is none.
func Open(path string) (*Keyring, error) {
	k, err := read(path)
	if err != nil {
		return nil, err
	}
	return &Keyring{path: path, keys: k}, nil
}

// OpenOrCreate opens the key file, or makes it. Of two processes that start
// together one makes it and both use it.
func OpenOrCreate(path string) (*Keyring, error) {
	k, err := Open(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = Create(path); errors.Is(err, fs.ErrExist) {
		return Open(path)
	}
	return k, err
}

// Seal encrypts plain for the place that ad names, such as "connection/12".
// The present state of the file is used: a key that another process has
// dropped must not seal anything any more.
func (k *Keyring) Seal(plain []byte, ad string) ([]byte, error) {
	if ad == "" {
		return nil, errors.New("seal: the associated data is empty; it must name the place of the value")
	}
	if err := k.follow(); err != nil {
		return nil, err
	}
	sealed, err := k.present().cipher.Encrypt(plain, []byte(ad))
	if err != nil {
		return nil, fmt.Errorf("sealing for %s with key file %s: %w", ad, k.path, err)
	}
	return sealed, nil
}

// Unseal decrypts what Seal made for the same ad. Its error matches
// ErrWrongKey or ErrDamaged.
func (k *Keyring) Unseal(sealed []byte, ad string) ([]byte, error) {
	id := KeyOf(sealed)
	if id != 0 && !k.present().has(id) {
		if err := k.reload(); err != nil { // another process may have rotated
			return nil, err
		}
	}
	now := k.present()
	if id != 0 && !now.has(id) {
		return nil, fmt.Errorf("%w: %s was sealed with key %d, and %s holds %s; put the right file in place (SALESBOOK_KEY_FILE)", ErrWrongKey, ad, id, k.path, now.list())
	}
	plain, err := now.cipher.Decrypt(sealed, []byte(ad))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrDamaged, ad)
	}
	return plain, nil
}

// Primary returns the id of the key that seals.
func (k *Keyring) Primary() uint32 { return k.present().primary }

// IDs returns the ids of all keys in the file; more than one means that a
// rotation has begun and is not finished.
func (k *Keyring) IDs() []uint32 { return slices.Clone(k.present().ids) }

// KeyOf returns the id of the key that sealed the value, or 0 when it is not a
// sealed value. Every output of a Tink keyset begins with 1 and the key's id
// in four bytes (https://developers.google.com/tink/wire-format, 2026-11-21).
func KeyOf(sealed []byte) uint32 {
	const version, prefix = 1, 5
	if len(sealed) < prefix || sealed[0] != version {
		return 0
	}
	return binary.BigEndian.Uint32(sealed[1:prefix])
}

// Rotate adds a new key to the file and makes it the primary one. The old keys
// stay, so that everything sealed before still opens.
func (k *Keyring) Rotate() error {
	return k.change(func(m *keyset.Manager, _ keys) error {
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return fmt.Errorf("key file %s: a new key cannot be made: %w", k.path, err)
		}
		return m.SetPrimary(id)
	})
}

// Drop removes an old key from the file. Nothing that it sealed can be opened
// afterwards: seal everything stored again first.
func (k *Keyring) Drop(id uint32) error {
	return k.change(func(m *keyset.Manager, now keys) error {
		switch {
		case id == now.primary:
			return fmt.Errorf("key file %s: key %d is the one that seals; rotate first", k.path, id)
		case !now.has(id):
			return fmt.Errorf("key file %s: there is no key %d; it holds %s", k.path, id, now.list())
		}
		return m.Delete(id)
	})
}

// change rewrites the file, starting from what it holds now.
func (k *Keyring) change(edit func(*keyset.Manager, keys) error) error {
	err := locked(k.path, func() error {
		now, err := read(k.path)
		if err != nil {
			return err
		}
		m := keyset.NewManagerFromHandle(now.handle)
		if err := edit(m, now); err != nil {
			return err
		}
		handle, err := m.Handle()
		if err != nil {
			return fmt.Errorf("key file %s: %w", k.path, err)
		}
		return write(k.path, handle)
	})
	if err != nil {
		return err
	}
	return k.reload()
}

// follow reads the file again if it is not the one that was read.
func (k *Keyring) follow() error {
	onDisk, err := os.Stat(k.path)
	if err != nil {
		return fmt.Errorf("nothing is sealed with a key that is not on disk: %w; put the key file back", err)
	}
	was := k.present().file
	if os.SameFile(onDisk, was) && onDisk.ModTime().Equal(was.ModTime()) && onDisk.Size() == was.Size() {
		return nil
	}
	return k.reload()
}

func (k *Keyring) reload() error {
	fresh, err := read(k.path)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = fresh
	return nil
}

func (k *Keyring) present() keys {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.keys
}

func (k keys) has(id uint32) bool { return slices.Contains(k.ids, id) }

// list names the keys for people.
func (k keys) list() string {
	names := make([]string, len(k.ids))
	for i, id := range k.ids {
		names[i] = fmt.Sprint(id)
	}
	return "key " + strings.Join(names, ", ")
}
