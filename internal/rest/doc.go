// Package rest is the paced, classified HTTP client under every connector.
//
// From the outside in, a call passes:
//
//	Client            builds the request, reads the whole answer, judges it
//	retrying          at most a few repetitions of what is safe to repeat
//	time limit        per attempt, the answer's body included
//	authorising       OAuth 2 token; one forced renewal after a 401
//	pacing            the governor of the vendor account, before every attempt
//	tracing           a span without secrets, when tracing is on
//	the wire
//
// Every failure leaves as a *fault.Error whose text names the method, the host
// and the path, and never a query, a header's value or a token. A vendor's
// error text is quoted, shortened and scrubbed of the secrets that we sent.
package rest
