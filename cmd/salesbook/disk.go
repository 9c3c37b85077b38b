package main

import "syscall"

// freeDisk tells how much of the disk that holds dir is free for its user.
func freeDisk(dir string) (share float64, bytes int64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, 0, err
	}
	// What is kept for root counts neither as free nor as part of the whole, as in df.
	used := fs.Blocks - fs.Bfree
	return float64(fs.Bavail) / float64(max(used+fs.Bavail, 1)), int64(fs.Bavail) * fs.Bsize, nil
}
