// Package sandbox holds what every simulated vendor needs and no vendor owns:
// a clock that tests can drive, a crash-safe journal, faults on demand and a
// queue that delivers webhooks with retries. The vendors themselves live in
// sub-packages, which build on this one and on nothing else of the project,
// so that a simulator can never borrow a connector's misunderstanding.
package sandbox
