package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// finishUpgrade completes an upgrade whose new cluster was whole and on disk
// when we were interrupted between the two renames.
func (h host) finishUpgrade() error {
	_, err := os.Stat(filepath.Join(h.home.upgraded(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	major, err := h.home.major()
	if err != nil {
		return err
	}
	if major != 0 {
		if err := os.Rename(h.home.data(), h.home.kept(major)); err != nil {
			return fmt.Errorf("put the old database aside: %w", err)
		}
	}
	if err := os.Rename(h.home.upgraded(), h.home.data()); err != nil {
		return fmt.Errorf("put the upgraded database in place: %w", err)
	}
	return syncDir(string(h.home))
}
