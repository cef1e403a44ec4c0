// Package report writes what a run of the conformance suite has found: for people on a terminal, as JSON, and as JUnit
// XML for CI systems. The forms for machines are documented in docs/results.md and change only by addition.
package report
