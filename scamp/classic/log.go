package scamp

import (
	"io"
	"log"
	"os"
)

// The loggers of a program. They may be replaced, or given another output, before anything else is used. Trace and Debug
// are silent until they are given one. This package itself writes to Trace and Warning.
var (
	Trace   = logger(io.Discard, "TRACE: ")
	Debug   = logger(io.Discard, "DEBUG: ")
	Info    = logger(os.Stderr, "INFO: ")
	Warning = logger(os.Stderr, "WARNING: ")
	Error   = logger(os.Stderr, "ERROR: ")
)

func logger(w io.Writer, prefix string) *log.Logger {
	return log.New(w, prefix, log.Ldate|log.Ltime|log.Lshortfile)
}
