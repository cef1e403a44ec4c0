package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A bar shows how far something is, on a terminal.
type bar struct {
	w     io.Writer
	all   int
	quiet bool
	bar   *progressbar.ProgressBar
}

func (b *bar) set(n int, text string) {
	if b.quiet || !isTerminal(b.w) {
		return
	}
	if b.bar == nil {
		b.bar = progressbar.NewOptions(b.all, progressbar.OptionSetWriter(b.w), progressbar.OptionSetWidth(30),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(50*time.Millisecond))
	}
	if text != "" {
		b.bar.Describe(text)
	}
	b.bar.Set(n)
}

func (b *bar) clear() {
	if b.bar != nil {
		b.bar.Clear()
	}
}
