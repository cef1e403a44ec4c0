package discovery

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"sync"
)

// The bounds of datagrams, in octets.
const (
	MaxDatagram = 65507   // that can be sent (DISC-MC-05a)
	MaxInflated = 4 << 20 // of a packet, inflated (DISC-MC-04)
)

var compressors = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}

// Compress makes a datagram of a packet. It fails where the result is too long to be sent (DISC-MC-02b, 05).
func Compress(packet []byte) ([]byte, error) {
	var b bytes.Buffer
	w := compressors.Get().(*zlib.Writer)
	defer compressors.Put(w)
	w.Reset(&b)
	if _, err := w.Write(packet); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), checkDatagram(b.Bytes())
}

func checkDatagram(b []byte) error {
	if len(b) > MaxDatagram {
		return fmt.Errorf("discovery: the announcement has %d octets as a datagram, more than %d: it cannot be sent; announce the actions under several idents", len(b), MaxDatagram)
	}
	return nil
}

// An Inflater takes datagrams apart. It is for one goroutine at a time; the zero Inflater is ready for use.
type Inflater struct {
	source bytes.Reader
	zlib   io.ReadCloser
	buf    bytes.Buffer
}

// Inflate returns the packet of a datagram: inflated, or, where it is not compressed, as it is. compressed says which.
// Inflation stops at MaxInflated, before anything else is looked at (DISC-MC-02c, 03a, 04). The packet is valid until the
// next call.
func (f *Inflater) Inflate(datagram []byte) (packet []byte, compressed bool, err error) {
	if len(datagram) > 0 && (datagram[0] == 'R' || datagram[0] == 'D') {
		datagram = datagram[1:]
	}
	if err = f.inflate(datagram); err == nil {
		return f.buf.Bytes(), true, nil
	}
	if errors.Is(err, errInflated) || len(datagram) == 0 || datagram[0] == 0x78 { // zlib, and broken
		return nil, true, refuse(LayerDatagram, inflateRule(err), "the datagram does not inflate: %v", err)
	}
	return datagram, false, nil
}

var errInflated = fmt.Errorf("it inflates to more than %d octets", MaxInflated)

func inflateRule(err error) string {
	if errors.Is(err, errInflated) {
		return "DISC-MC-04a"
	}
	return "DISC-MC-02c"
}

func (f *Inflater) inflate(datagram []byte) (err error) {
	f.source.Reset(datagram)
	if f.zlib == nil {
		f.zlib, err = zlib.NewReader(&f.source)
	} else {
		err = f.zlib.(zlib.Resetter).Reset(&f.source, nil)
	}
	if err != nil {
		return err
	}
	f.buf.Reset()
	n, err := io.Copy(&f.buf, io.LimitReader(f.zlib, MaxInflated+1))
	if err == nil && n > MaxInflated {
		err = errInflated
	}
	return err
}
