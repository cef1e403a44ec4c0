// Command bench compares SCAMP with raw TLS and with net/rpc over TLS: the same
// key, the same machine, in turn within one run. It prints medians and ratios;
// single times mean little on a shared machine.
//
//	go run ./bench            # from this directory: go run .
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"fmt"
	"log"
	"math/big"
	"slices"
	"sync"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 7, "how often each measurement is taken, in turn")
	calls := flag.Int("calls", 4000, "calls of one measurement")
	size := flag.Int64("size", 1<<30, "octets of one transfer")
	only := flag.String("only", "", "run one measurement only")
	flag.Parse()
	log.SetFlags(0)

	cert, err := certificate()
	if err != nil {
		log.Fatal(err)
	}
	var peers []*peer
	for _, make := range []func(tls.Certificate) (*peer, error){scampPeer, rawPeer, rpcPeer} {
		p, err := make(cert)
		if err != nil {
			log.Fatal(err)
		}
		defer p.close()
		peers = append(peers, p)
	}
	body := []byte(`{"hello":"world, this is a body of about one hundred octets, as small calls have them most of the time"}`)
	measurements := []struct {
		name, unit string
		run        func(p *peer) error
		scale      func(d time.Duration) float64 // more is better
	}{
		{"one call at a time", "calls/s", func(p *peer) error { return callAll(p, *calls, 1, body) },
			func(d time.Duration) float64 { return float64(*calls) / d.Seconds() }},
		{"64 calls in flight", "calls/s", func(p *peer) error { return callAll(p, 4**calls, 64, body) },
			func(d time.Duration) float64 { return float64(4**calls) / d.Seconds() }},
		{"upload", "MB/s", func(p *peer) error { return p.upload(*size) },
			func(d time.Duration) float64 { return float64(*size) / 1e6 / d.Seconds() }},
		{"echo", "MB/s", func(p *peer) error { return p.echo(*size) },
			func(d time.Duration) float64 { return float64(*size) / 1e6 / d.Seconds() }},
	}
	for _, m := range measurements {
		if *only != "" && *only != m.name {
			continue
		}
		results := make([][]float64, len(peers))
		for round := range *rounds + 1 {
			for i := range peers {
				i = (i + round) % len(peers) // nobody is always first
				start := time.Now()
				if err := m.run(peers[i]); err != nil {
					log.Fatalf("%s, %s: %v", m.name, peers[i].name, err)
				}
				if round > 0 { // the first round warms up
					results[i] = append(results[i], m.scale(time.Since(start)))
				}
			}
		}
		fmt.Printf("%-20s", m.name)
		for i, p := range peers {
			fmt.Printf("  %s %.0f %s", p.name, median(results[i]), m.unit)
			if i > 0 {
				fmt.Printf(" (ratio %.2f)", ratio(results[0], results[i]))
			}
		}
		fmt.Println()
	}
}

// callAll makes n calls, so many at a time.
func callAll(p *peer, n, at int, body []byte) error {
	var wg sync.WaitGroup
	errs := make(chan error, at)
	for range at {
		wg.Go(func() {
			for range n / at {
				if err := p.call(body); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// ratio is the median of the ratios of the pairs, so that a machine that
// changes its speed changes both.
func ratio(a, b []float64) float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return median(r)
}

func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
