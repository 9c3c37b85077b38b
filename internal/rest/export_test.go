package rest

// SetLimit lowers the largest answer that c accepts.
func (c *Client) SetLimit(bytes int64) { c.limit = bytes }

// Traced opens a span for each call on the wire.
var Traced = traced
