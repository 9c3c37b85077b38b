// Package telemetry sets up what a process tells of itself: its log, its
// traces and the registry of its metrics.
//
// Logs go to people as text and to machines as JSON; attributes that are named
// like secrets are hidden, whoever logs them. Traces exist only when an
// exporter is configured by OpenTelemetry's own environment variables; without
// one nothing is measured. Metrics are defined where they are measured, and
// only registered here.
package telemetry
