// Package golden has the cases and vectors of the conformance suite, for programs to embed. README.md says what is where.
package golden

import "embed"

//go:generate go run ./internal/generate

// FS holds the files by their paths in this directory, one directory per group of rules.
//
//go:embed wire-* disc-*
var FS embed.FS
