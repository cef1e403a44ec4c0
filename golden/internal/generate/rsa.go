package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	rng "math/rand/v2"
)

// An rsaKey is an RSA key of any size, with any number of primes. It is used with arithmetic alone: what is signed is for
// the vectors to say, wrong paddings and forgeries included.
type rsaKey struct {
	n, e   *big.Int
	primes []*big.Int
}

// newKey makes the key of a name, of primes with 512 bits each. Primes of that size are found quickly, however long the
// key is, and whoever has the public half only cannot tell how many there are. bits is a multiple of 512.
func newKey(name string, bits int, e *big.Int) *rsaKey {
	stream := rng.NewChaCha8(sha256.Sum256([]byte("scamp-sim golden: " + name)))
	k := &rsaKey{n: big.NewInt(1), e: e}
	for range bits / 512 {
		p := prime(stream, e)
		k.primes = append(k.primes, p)
		k.n.Mul(k.n, p)
	}
	if k.n.BitLen() != bits {
		panic(fmt.Sprintf("the key %s has %d bits, not %d", name, k.n.BitLen(), bits))
	}
	return k
}

// fixtureKey takes a key of package fixtures.
func fixtureKey(k *rsa.PrivateKey) *rsaKey {
	return &rsaKey{n: k.N, e: big.NewInt(int64(k.E)), primes: k.Primes}
}

var (
	one   = big.NewInt(1)
	three = big.NewInt(3)
	f4    = big.NewInt(65537)
)

// prime returns the next prime of 512 bits in the stream such that e has an inverse modulo prime-1. It lies so close to
// 2^512 that the product of many has all its bits.
func prime(stream *rng.ChaCha8, e *big.Int) *big.Int {
	b := make([]byte, 512/8)
	for {
		stream.Read(b) // never fails
		b[0], b[1] = 0xFF, 0xFF
		b[len(b)-1] |= 1
		p := new(big.Int).SetBytes(b)
		if p.ProbablyPrime(4) && new(big.Int).GCD(nil, nil, e, new(big.Int).Sub(p, one)).Cmp(one) == 0 {
			return p
		}
	}
}

// size is the length of a signature.
func (k *rsaKey) size() int { return (k.n.BitLen() + 7) / 8 }

// private raises a message to the secret exponent, modulo each prime and then all of them.
func (k *rsaKey) private(message []byte) []byte {
	m := new(big.Int).SetBytes(message)
	x, modulus := new(big.Int), big.NewInt(1)
	for _, p := range k.primes {
		d := new(big.Int).ModInverse(k.e, new(big.Int).Sub(p, one))
		r := new(big.Int).Exp(new(big.Int).Mod(m, p), d, p)
		// x + modulus·t ≡ r (mod p)
		t := new(big.Int).Sub(r, x)
		t.Mul(t, new(big.Int).ModInverse(modulus, p))
		t.Mod(t, p)
		x.Add(x, t.Mul(t, modulus))
		modulus.Mul(modulus, p)
	}
	return x.FillBytes(make([]byte, k.size()))
}

// The DigestInfo of each hash up to the digest (RFC 8017, 9.2).
var digestInfo = map[crypto.Hash]string{
	crypto.SHA1:   "3021300906052b0e03021a05000414",
	crypto.SHA256: "3031300d060960864801650304020105000420",
	crypto.SHA512: "3051300d060960864801650304020305000440",
}

func digest(h crypto.Hash, data []byte) []byte {
	f := h.New()
	f.Write(data)
	return f.Sum(nil)
}

// padded is the digest of data as EMSA-PKCS1-v1_5 has it (RFC 8017, 9.2), with so many octets.
func padded(h crypto.Hash, data []byte, size int) []byte {
	tail, _ := hex.DecodeString(digestInfo[h])
	tail = append(tail, digest(h, data)...)
	m := make([]byte, size)
	m[1] = 1
	for i := 2; i < size-len(tail)-1; i++ {
		m[i] = 0xFF
	}
	copy(m[size-len(tail):], tail)
	return m
}

// sign is RSASSA-PKCS1-v1_5.
func (k *rsaKey) sign(h crypto.Hash, data []byte) []byte {
	return k.private(padded(h, data, k.size()))
}

// signPSS is RSASSA-PSS with SHA-256 and a salt that is always the same (RFC 8017, 9.1.1).
func (k *rsaKey) signPSS(data []byte) []byte {
	salt := []byte("0123456789abcdef0123456789abcdef")
	h := digest(crypto.SHA256, append(append(make([]byte, 8), digest(crypto.SHA256, data)...), salt...))
	db := make([]byte, k.size()-len(h)-1)
	db[len(db)-len(salt)-1] = 1
	copy(db[len(db)-len(salt):], salt)
	for i, block := 0, 0; i < len(db); block++ {
		for _, c := range digest(crypto.SHA256, append(append([]byte{}, h...), 0, 0, 0, byte(block))) {
			if i < len(db) {
				db[i] ^= c
			}
			i++
		}
	}
	db[0] &= 0x7F // the modulus has all its bits
	return k.private(append(append(db, h...), 0xBC))
}

// forge makes a signature without the secret exponent, for exponent 3: its cube begins as the padded digest does, with
// little padding, and ends in garbage. Who looks at the beginning only takes it (CVE-2006-4339).
func (k *rsaKey) forge(data []byte) []byte {
	head := padded(crypto.SHA256, data, 2+8+1+19+32)
	low := new(big.Int).SetBytes(append(head, make([]byte, k.size()-len(head))...))
	s := cubeRoot(low)
	s.Add(s, one)
	cube := new(big.Int).Exp(s, three, nil).FillBytes(make([]byte, k.size()))
	if string(cube[:len(head)]) != string(head) {
		panic("the forgery does not begin as the padding does")
	}
	return s.FillBytes(make([]byte, k.size()))
}

// cubeRoot returns the root, rounded down.
func cubeRoot(n *big.Int) *big.Int {
	root := new(big.Int)
	for bit := n.BitLen()/3 + 1; bit >= 0; bit-- {
		try := new(big.Int).SetBit(root, bit, 1)
		if new(big.Int).Exp(try, three, nil).Cmp(n) <= 0 {
			root = try
		}
	}
	return root
}
