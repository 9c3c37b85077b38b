// Package rest is the paced, classified HTTP client under every connector.
//
// From the outside in, a call passes: bounded retries of what is safe to
// repeat, the OAuth 2 transport, the governor of the vendor account, tracing,
// the wire. Every failure leaves as a fault.Error.
package rest
