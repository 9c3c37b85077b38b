// Package demo is the demonstration: a simulated sales department that is
// connected, loaded, kept in step by deliveries while it lives on, and compared
// record by record with what salesbook has made of it.
package demo
