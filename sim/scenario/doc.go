// Package scenario reads files that describe a simulated bus, runs them in virtual
// time, and says whether what they expect has come. docs/scenarios.md describes the
// files, docs/scenario.schema.json is their schema for editors.
package scenario
