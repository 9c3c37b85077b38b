// Command bench measures salesbook beside the yardstick: both on one
// PostgreSQL, in one session, in turns. The worker is the real binary in a
// process of its own; the vendor is a process that serves the yardstick's very
// records over HTTP as Pipedrive would, or as Zoho CRM would. `make bench` runs it; what the figures
// mean is in docs/benchmarks.md.
//
//	bench sync        first load and unchanged re-sync of deals
//	bench deliveries  deliveries at 64 connections and at 1, sent by wrk
//	bench memory      the worker's memory at 100,000 and at 1,000,000 deals
//	bench scale       one worker and four, on eight connections
//	bench zoho        an account of Zoho CRM beside one of Pipedrive, by the megabyte
//
// It makes a private PostgreSQL in a temporary directory. YARDSTICK_DSN, a
// superuser's URL on this machine, names another server; the databases yardstick and
// salesbook_bench are made anew there.
package main
