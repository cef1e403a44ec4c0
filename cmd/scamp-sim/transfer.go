package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

// shown is how many octets of a body are worth a progress bar.
const shown = 1 << 20

// A transfer shows how far a body is, on a terminal, once it is large. A nil
// transfer shows nothing.
type transfer struct {
	w     io.Writer
	what  string
	total int64 // -1: nobody knows
	done  int64
	bar   *progressbar.ProgressBar
}

// transfers returns those of a request and of its reply. Nothing is shown where
// standard error is no terminal, or has something else to say; and nothing of the
// reply where it goes to the terminal itself.
func transfers(cmd *cobra.Command, verbose bool) (up, down *transfer) {
	w := cmd.ErrOrStderr()
	if verbose || !isTerminal(w) {
		return nil, nil
	}
	up = &transfer{w: w, what: "sending", total: -1}
	if !isTerminal(cmd.OutOrStdout()) {
		down = &transfer{w: w, what: "receiving", total: -1}
	}
	return up, down
}

// Write counts octets that have passed.
func (t *transfer) Write(p []byte) (int, error) {
	if t == nil {
		return len(p), nil
	}
	t.done += int64(len(p))
	if t.bar == nil && t.done > shown {
		t.bar = progressbar.NewOptions64(t.total, progressbar.OptionSetWriter(t.w), progressbar.OptionSetDescription(t.what),
			progressbar.OptionSetWidth(30), progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(50*time.Millisecond))
	}
	if t.bar != nil {
		t.bar.Set64(t.done)
	}
	return len(p), nil
}

func (t *transfer) finish() {
	if t != nil && t.bar != nil {
		t.bar.Finish()
	}
}

// body returns a body that is counted as it is read.
func (t *transfer) body(body io.Reader) io.Reader {
	f, ok := body.(*os.File)
	if t == nil || !ok {
		return body
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		t.total = info.Size()
	}
	return &countedFile{f, t}
}

// A countedFile is a file whose octets are counted. It can still be sent again.
type countedFile struct {
	*os.File
	t *transfer
}

func (c *countedFile) Read(p []byte) (int, error) {
	n, err := c.File.Read(p)
	c.t.Write(p[:n])
	return n, err
}

func (c *countedFile) Seek(offset int64, whence int) (int64, error) {
	n, err := c.File.Seek(offset, whence)
	c.t.done = n
	return n, err
}

// WriteTo hides the file's own, which would count nothing.
func (c *countedFile) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{c})
}
