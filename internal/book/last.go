package book

import "time"

// Last is the latest thing that people did with a deal, and that stands: it is
// where it led.
type Last struct {
	Step     int // as Verdict.Step has it; 0: it was deleted or archived
	At       time.Time
	End      string // won, lost, deleted or archived; empty: it was moved
	From, To string // of a move: the vendor's ids of the stages
}

// Last returns the latest thing that people did with a deal by an instant. It
// reports false if they did nothing since it was made, or since salesbook took
// something back.
func (f *Facts) Last(now time.Time) (l Last, done bool) {
	if f.Gone || f.Lead {
		return l, false
	}
	switch end, at := f.End(now); end {
	case "":
	case "won", "lost":
		return Last{Step: len(f.Moves) + 1, At: at, End: end}, true
	default:
		return Last{At: at, End: end}, true
	}
	i := f.moveAt(now)
	for i > 0 && f.Moves[i-1].Stage == f.Moves[i].Stage {
		i--
	}
	if i <= 0 || f.Moves[i].Ours {
		return l, false
	}
	return Last{Step: i + 1, At: f.Moves[i].At, From: f.Moves[i-1].Stage, To: f.Moves[i].Stage}, true
}

// Hidden tells whether a deal was deleted or archived by an instant, also after
// it had ended.
func (f *Facts) Hidden(now time.Time) bool {
	by := func(t time.Time) bool { return !t.IsZero() && !t.After(now) }
	return by(f.Deleted) || by(f.Archived)
}

// Stay is a deal's time in a stage.
type Stay struct {
	Funnel  *Funnel
	Stage   *Stage
	Entered time.Time
}

// Stay is where a deal stands at an instant, and since when. It reports false if
// that is no stage of the book.
func (c *Compiled) Stay(f *Facts, at time.Time) (s Stay, known bool) {
	i := f.moveAt(at)
	if i < 0 {
		return s, false
	}
	fn, stage := c.stage(f.Connection, f.Moves[i].Stage)
	if fn == nil {
		return s, false
	}
	return Stay{fn, &fn.Stages[stage], f.stay(i)}, true
}

// StageName names a stage of a CRM as the book does, or by its id if the book
// does not have it.
func (c *Compiled) StageName(connection, id string) string {
	if fn, stage := c.stage(connection, id); fn != nil {
		return fn.Stages[stage].Name
	}
	return id
}

// DayIn is the day that a field of the book holds at an instant. It reports false
// if it holds none.
func (c *Compiled) DayIn(f *Facts, field string, at time.Time) (d Date, ok bool) {
	value, _ := f.value(c.folded[field], at)
	return d, value != "" && d.UnmarshalText([]byte(value)) == nil
}
