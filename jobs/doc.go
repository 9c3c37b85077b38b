// Package jobs is the pipeline: it decides in which order things happen, how
// often, and what becomes of failures. What a vendor's bytes look like is its
// connector's, what they mean is mapping's, how rows are stored is postgres'.
//
// Work waits in tables (inbox, cursors, schedules, dirty); a job only says
// "look". Any job may run twice, at any time be killed, and lose nothing.
//
//	kind     reads                           writes
//	tick     schedules, inbox                enqueues what is due; the only periodic job
//	pull     connector pages after the       per page ONE transaction: raw records whose hash changed,
//	         stored cursor                   canonical rows, changes, dirty subjects, cursor, run counters
//	receive  inbox rows (stored before the   reads the records they name again, then as pull;
//	         vendor got its 2xx)             a delivery's body is never mapped
//	history  deals whose past is unknown     deal events and stage history, within the quota's spare part
//	watch    the vendor's subscriptions      missing ones made anew, then a pull over the gap
//	sweep    everything the vendor has,      a proof: both sides counted and summed up; what differs is
//	         and everything that is stored   repaired, and tombstones are made of what the vendor calls gone
//	replay   stored raw records              canonical rows under the present map
//	push     edits that wait for their turn  per edit: the record read again, a transaction with the intent, the call, and a
//	                                         transaction with the receipt, in which the vendor's answer is written as by pull
//	evaluate dirty subjects, the book        violations, and when to judge again
//	notify   notifications, digests due      messages: what is about to be sent, then what came of it
//	retain   retention rules                 partitions made and dropped, old rows deleted in batches
package jobs
