package main

import (
	"context"
	"fmt"

	"salesbook.dev/internal/fault"
	"salesbook.dev/jobs"
)

// book looks whether the book in force still fits what is connected.
func (d *doctor) book(ctx context.Context) error {
	ws, err := d.workspace(ctx)
	if err != nil {
		return err
	}
	f, err := d.pipeline.Fit(ctx, ws)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return nil // none is in force, or nothing is connected
	case fault.KindOf(err) == fault.Invalid:
		d.fail("book", err.Error(), "`salesbook book export` prints it")
		return nil
	case err != nil:
		return err
	}
	renamed := 0
	for i := range f.Renamed {
		if !f.Renamed[i].Deleted {
			renamed++
		}
	}
	if unfit := len(fitLines(&f)) - renamed; !fits(&f, renamed) {
		d.warn("book", fmt.Sprintf("%s of version %d mean nothing in what is connected", counted(int64(unfit), "name"), f.Version), "`salesbook book show` lists them; mend the book, then activate it")
		return nil
	}
	text := fmt.Sprintf("version %d fits what is connected", f.Version)
	if renamed > 0 {
		text += fmt.Sprintf("; %s were changed there and are followed", counted(int64(renamed), "name"))
	}
	d.ok("book", "%s", text)
	return nil
}

// fits tells whether all that the book names is there, but for what was renamed.
func fits(f *jobs.Fit, renamed int) bool {
	return len(f.Renamed) == renamed && len(f.Problems)+len(f.Fields)+len(f.Void) == 0
}
