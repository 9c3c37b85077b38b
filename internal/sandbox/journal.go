package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Journal keeps a simulator's state on disk: one snapshot and the entries
// appended since. An entry is opaque bytes, written whole or not at all: a
// process killed in the middle of a write leaves a torn tail, which the next
// Open cuts off. Entries reach the operating system at once and the disk at
// Compact and Close; a simulator needs to survive kill -9, not a power cut.
type Journal struct {
	dir      string
	lock     *os.File
	tail     *os.File
	number   uint64 // of the snapshot in force and of the tail that continues it
	snapshot int64  // bytes
	appended int64  // bytes
	buf      []byte
}

const (
	frameHeader = 8       // length and checksum, four bytes each
	maxEntry    = 1 << 30 // anything longer is damage, not data
	// A tail may grow to the snapshot's size plus this many bytes before
	// Grown asks for a new snapshot.
	compactSlack = 16 << 20
)

// OpenJournal opens or creates the journal in dir and hands every stored entry,
// oldest first, to replay. The bytes stay valid and unchanged as long as the
// caller keeps them. It fails when another process holds dir.
func OpenJournal(dir string, replay func(entry []byte) error) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the simulator's data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{dir: dir, lock: lock}
	if err := j.load(replay); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return j, nil
}

func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the simulator's lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("simulator data in %s is in use by another process: stop it or choose another directory: %w", dir, err), f.Close())
	}
	return f, nil
}

func (j *Journal) load(replay func([]byte) error) error {
	number, err := j.newest()
	if err != nil {
		return err
	}
	j.number = number
	if number > 0 {
		if j.snapshot, err = replayFile(j.path("snapshot", number), replay); err != nil {
			return err
		}
	}
	good, err := replayFile(j.path("tail", number), replay)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return j.openTail(good)
}

// newest returns the highest snapshot number, 0 when there is none.
func (j *Journal) newest() (uint64, error) {
	names, err := filepath.Glob(filepath.Join(j.dir, "snapshot.*"))
	if err != nil {
		return 0, fmt.Errorf("list snapshots: %w", err)
	}
	var best uint64
	for _, name := range names {
		var n uint64
		if _, err := fmt.Sscanf(filepath.Ext(name), ".%d", &n); err == nil {
			best = max(best, n)
		}
	}
	return best, nil
}

func (j *Journal) path(kind string, number uint64) string {
	return filepath.Join(j.dir, fmt.Sprintf("%s.%08d", kind, number))
}

// openTail opens the tail for appending after its last good byte.
func (j *Journal) openTail(good int64) error {
	f, err := os.OpenFile(j.path("tail", j.number), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the simulator's journal: %w", err)
	}
	if err := f.Truncate(good); err != nil {
		return errors.Join(fmt.Errorf("cut the torn end of the simulator's journal: %w", err), f.Close())
	}
	if _, err := f.Seek(good, io.SeekStart); err != nil {
		return errors.Join(fmt.Errorf("find the end of the simulator's journal: %w", err), f.Close())
	}
	j.tail, j.appended = f, good
	return nil
}

// replayFile hands over every whole entry and returns the length of the good part.
func replayFile(name string, replay func([]byte) error) (int64, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return 0, fmt.Errorf("read the simulator's journal: %w", err)
	}
	var at int64
	for {
		entry, ok := frameAt(data[at:])
		if !ok {
			return at, nil
		}
		if err := replay(entry); err != nil {
			return at, fmt.Errorf("%s, byte %d: %w", name, at, err)
		}
		at += frameHeader + int64(len(entry))
	}
}

// frameAt returns the entry at the head of data, false when it is torn or absent.
func frameAt(data []byte) ([]byte, bool) {
	if len(data) < frameHeader {
		return nil, false
	}
	n := int64(binary.LittleEndian.Uint32(data))
	if n == 0 || n > maxEntry || int64(len(data)) < frameHeader+n {
		return nil, false
	}
	entry := data[frameHeader : frameHeader+n : frameHeader+n]
	if crc32.ChecksumIEEE(entry) != binary.LittleEndian.Uint32(data[4:]) {
		return nil, false
	}
	return entry, true
}

func appendFrame(dst, entry []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(entry)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(entry))
	return append(dst, entry...)
}

// Append stores one entry. After an error the entry is not stored, and the
// simulator must undo what it describes.
func (j *Journal) Append(entry []byte) error {
	if len(entry) == 0 || len(entry) > maxEntry {
		return fmt.Errorf("journal entry of %d bytes: must be 1 to %d", len(entry), maxEntry)
	}
	j.buf = appendFrame(j.buf[:0], entry)
	n, err := j.tail.Write(j.buf)
	if err != nil {
		// A partial frame would hide every later entry from the next Open.
		_ = j.tail.Truncate(j.appended)
		_, _ = j.tail.Seek(j.appended, io.SeekStart)
		return fmt.Errorf("write the simulator's journal: %w", err)
	}
	j.appended += int64(n)
	return nil
}

// Grown reports whether the entries since the last snapshot outweigh it, so
// that Compact pays.
func (j *Journal) Grown() bool { return j.appended > j.snapshot+compactSlack }

// Compact replaces everything stored by the entries that write adds. It is
// atomic: killed anywhere, the next Open sees either all of the old or all of
// the new state.
func (j *Journal) Compact(write func(add func(entry []byte) error) error) error {
	next := j.number + 1
	temp := filepath.Join(j.dir, "new")
	size, err := writeSnapshot(temp, write)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, j.path("snapshot", next)); err != nil {
		return fmt.Errorf("put the simulator's snapshot in force: %w", err)
	}
	old, oldTail := j.number, j.tail
	j.number, j.snapshot = next, size
	if err := j.openTail(0); err != nil {
		return err
	}
	return errors.Join(oldTail.Close(), os.Remove(j.path("tail", old)), removeIfThere(j.path("snapshot", old)))
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func writeSnapshot(name string, write func(add func([]byte) error) error) (int64, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("create the simulator's snapshot: %w", err)
	}
	var size int64
	buf := make([]byte, 0, 1<<20)
	flush := func() error {
		n, err := f.Write(buf)
		size, buf = size+int64(n), buf[:0]
		return err
	}
	err = write(func(entry []byte) error {
		buf = appendFrame(buf, entry)
		if len(buf) < 1<<19 {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, fmt.Errorf("write the simulator's snapshot: %w", err)
	}
	return size, nil
}

// Close flushes the journal to disk and lets go of its directory.
func (j *Journal) Close() error {
	return errors.Join(j.tail.Sync(), j.tail.Close(), j.lock.Close())
}
