package main

import (
	"crypto"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
)

// The DER of certificates, by hand: the certificates of some vectors are such as no library makes.

// tlv is a tag, a length and a content.
func tlv(tag byte, content ...[]byte) []byte {
	body := slices.Concat(content...)
	head := []byte{tag}
	switch n := len(body); {
	case n < 0x80:
		head = append(head, byte(n))
	case n < 0x100:
		head = append(head, 0x81, byte(n))
	default:
		head = append(head, 0x82, byte(n>>8), byte(n))
	}
	return append(head, body...)
}

// The tags that are used.
const (
	tagInteger    = 0x02
	tagBits       = 0x03
	tagOctets     = 0x04
	tagOID        = 0x06
	tagUTF8       = 0x0C
	tagPrintable  = 0x13
	tagUTCTime    = 0x17
	tagTime       = 0x18
	tagSequence   = 0x30
	tagSet        = 0x31
	tagVersion    = 0xA0
	tagExtensions = 0xA3
)

var (
	derNull    = []byte{0x05, 0x00}
	derTrue    = []byte{0x01, 0x01, 0xFF}
	oidRSA     = tlv(tagOID, []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01})
	oidSHA1    = tlv(tagOID, []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x05})
	oidSHA256  = tlv(tagOID, []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B})
	oidEC      = tlv(tagOID, []byte{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01})
	oidP256    = tlv(tagOID, []byte{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07})
	oidECDSA   = tlv(tagOID, []byte{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02})
	oidName    = tlv(tagOID, []byte{0x55, 0x04, 0x03})
	oidAltName = tlv(tagOID, []byte{0x55, 0x1D, 0x11})
	oidUnknown = tlv(tagOID, []byte{0x2A, 0x03, 0x04}) // 1.2.3.4
)

func derInteger(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) == 0 || b[0] >= 0x80 {
		b = append([]byte{0}, b...)
	}
	return tlv(tagInteger, b)
}

func derBits(b []byte) []byte { return tlv(tagBits, []byte{0}, b) }

// commonName is a name with a common name alone, as a string of this kind.
func commonName(kind byte, name string) []byte {
	return tlv(tagSequence, tlv(tagSet, tlv(tagSequence, oidName, tlv(kind, []byte(name)))))
}

// publicKey is the SubjectPublicKeyInfo of the key.
func (k *rsaKey) publicKey() []byte {
	return tlv(tagSequence, tlv(tagSequence, oidRSA, derNull), derBits(tlv(tagSequence, derInteger(k.n), derInteger(k.e))))
}

// A template is what a certificate says. The zero values of its members are replaced by ordinary ones.
type template struct {
	version    int      // as it is written: 0 is version 1; -1 is 2, version 3
	serial     []byte   // the content of the integer
	subject    []byte   // whole; of the issuer, too
	notBefore  []byte   // whole
	notAfter   []byte   // whole
	extensions [][]byte // whole
	hash       crypto.Hash
}

// certificate makes a self-signed certificate.
func (t template) certificate(name string, k *rsaKey) []byte {
	algorithm := tlv(tagSequence, oidSHA256, derNull)
	if t.hash == crypto.SHA1 {
		algorithm = tlv(tagSequence, oidSHA1, derNull)
	} else {
		t.hash = crypto.SHA256
	}
	body := t.body(name, algorithm, k.publicKey())
	return tlv(tagSequence, body, algorithm, derBits(k.sign(t.hash, body)))
}

// body is what is signed.
func (t template) body(name string, algorithm, publicKey []byte) []byte {
	or := func(given []byte, otherwise []byte) []byte {
		if given == nil {
			return otherwise
		}
		return given
	}
	subject := or(t.subject, commonName(tagUTF8, name))
	var version, extensions []byte
	if t.version != 0 {
		version = tlv(tagVersion, tlv(tagInteger, []byte{2}))
	}
	if t.extensions != nil {
		extensions = tlv(tagExtensions, tlv(tagSequence, t.extensions...))
	}
	validity := tlv(tagSequence, or(t.notBefore, tlv(tagUTCTime, []byte("990101000000Z"))), or(t.notAfter, tlv(tagTime, []byte("20990101000000Z"))))
	return tlv(tagSequence, version, tlv(tagInteger, or(t.serial, []byte{7})), algorithm, subject, validity, subject, publicKey, extensions)
}

// extension is an extension with this content.
func extension(oid []byte, critical bool, content []byte) []byte {
	if critical {
		return tlv(tagSequence, oid, derTrue, tlv(tagOctets, content))
	}
	return tlv(tagSequence, oid, tlv(tagOctets, content))
}

// lines cuts base64 into lines of this width, the last without LF.
func lines(octets []byte, width int) string {
	var cut []string
	for piece := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(octets)), width) {
		cut = append(cut, string(piece))
	}
	return strings.Join(cut, "\n")
}

// pemBlock is a block as it is sent, the last line without LF.
func pemBlock(kind string, octets []byte) string {
	return "-----BEGIN " + kind + "-----\n" + lines(octets, 64) + "\n-----END " + kind + "-----"
}
