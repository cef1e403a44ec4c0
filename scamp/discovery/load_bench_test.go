package discovery

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// A bare verification is what must be done in any case: one check of one signature.
type bare struct {
	key       *rsa.PublicKey
	sum       [sha256.Size]byte
	signature []byte
}

// largeFile is a cache file of so many records, each of an ident of its own, with the bare verifications in it.
func largeFile(b *testing.B, records, keys, services int) (file []byte, checks []bare) {
	signers := make([]*Signer, keys)
	publics := make([]*rsa.PublicKey, keys)
	parallel(keys, func(i int) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			b.Error(err)
			return
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(int64(i)), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			b.Error(err)
			return
		}
		signers[i], err = NewSigner(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		if err != nil {
			b.Error(err)
		}
		publics[i] = &key.PublicKey
	})
	if b.Failed() {
		b.FailNow()
	}
	packets := make([][]byte, records)
	parallel(records, func(i int) {
		a := &Announcement{
			Identity: Identity{Ident: fmt.Sprintf("service%d:%d", i%services, i)}, Sector: "main", Weight: 1, Interval: 5000,
			URI: "beepish+tls://10.0.0.1:30100", Envelopes: []string{"json"}, Timestamp: float64(i + 1),
		}
		for k := range 10 {
			a.Actions = append(a.Actions, Action{Sector: "main", Name: fmt.Sprintf("Company.Service%d.action%d", i%services, k), Version: 1, Envelopes: a.Envelopes, Flags: "noauth"})
		}
		packet, err := signers[i%keys].Sign(a, FormV3)
		if err != nil {
			b.Error(err)
		}
		packets[i] = packet
	})
	checks = make([]bare, records)
	for i, p := range packets {
		file = append(append(append(file, marker...), p...), "\n\n"...)
		sections := bytes.SplitN(bytes.TrimRight(p, "\n"), []byte("\n\n"), 3)
		signature, err := base64.StdEncoding.DecodeString(string(bytes.ReplaceAll(sections[2], []byte("\n"), nil)))
		if err != nil {
			b.Fatal(err)
		}
		checks[i] = bare{publics[i%keys], sha256.Sum256(sections[0]), signature}
	}
	return file, checks
}

// parallel calls f for 0 to n-1, on all processors.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		wg.Go(func() {
			for i := k; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}

// BenchmarkLoad loads a cache of 10,000 announcements of 50 keys, cold, and again unchanged, beside the bare
// verifications of their signatures: cold/bare and again/bare are what it is about.
func BenchmarkLoad(b *testing.B) {
	file, checks := largeFile(b, 10000, 50, 200)
	name := filepath.Join(b.TempDir(), "cache")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		b.Fatal(err)
	}
	var bareTimes, cold, again []time.Duration
	for b.Loop() {
		bareTimes = append(bareTimes, timed(func() {
			parallel(len(checks), func(i int) {
				if err := rsa.VerifyPKCS1v15(checks[i].key, crypto.SHA256, checks[i].sum[:], checks[i].signature); err != nil {
					b.Error(err)
				}
			})
		}))
		c := &Cache{Path: name}
		cold = append(cold, timed(func() {
			if _, err := c.Reload(); err != nil || c.Directory.Len() != len(checks) {
				b.Error(c.Directory.Len(), err)
			}
		}))
		now := time.Now()
		if err := os.Chtimes(name, now, now); err != nil { // as a cache manager does that has nothing new to say
			b.Fatal(err)
		}
		again = append(again, timed(func() {
			if changed, err := c.Reload(); changed || err != nil {
				b.Error(changed, err)
			}
		}))
	}
	b.ReportMetric(median(cold)/median(bareTimes), "cold/bare")
	b.ReportMetric(median(again)/median(bareTimes), "again/bare")
}

// median is that of the clock's times: others who use the processors in between do not matter.
func median(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)/2])
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}
