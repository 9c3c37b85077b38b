//go:build unix

package main

import "golang.org/x/sys/unix"

// silence keeps a terminal from showing what is typed. Lines, and the keys that edit,
// end and interrupt them, stay with the terminal: term.ReadPassword would do the
// same, but does not notice the end of the input.
func silence(fd int) error {
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	t.Lflag &^= unix.ECHO
	t.Lflag |= unix.ICANON | unix.ISIG
	t.Iflag |= unix.ICRNL
	return unix.IoctlSetTermios(fd, setTermios, t)
}
