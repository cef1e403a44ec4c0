// Command generate writes the vectors of package golden: the files disc-*/vectors.jsonl. "go generate ./golden" runs it.
//
// It makes the same octets on every run and every machine. It shares no code with the library that the vectors try: data,
// PEM, certificates and signatures are put together here, octet by octet, and what must come of them is written down by
// hand.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	dir := flag.String("dir", ".", "the directory of package golden")
	flag.Parse()
	for _, g := range groups() {
		text, err := g.encode()
		if err != nil {
			log.Fatal(err)
		}
		file := filepath.Join(*dir, filepath.FromSlash(g.file()))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// groups makes all vectors.
func groups() []*group {
	makers := []struct {
		dir  string
		make func(g *group)
	}{
		{"disc-gen", gen}, {"disc-env", env}, {"disc-jsn", jsn}, {"disc-v4", v4}, {"disc-obj", obj}, {"disc-act", act},
		{"disc-idt", idt}, {"disc-wgt", wgt}, {"disc-int", interval}, {"disc-tsp", tsp}, {"disc-uri", uris},
		{"disc-enl", enl}, {"disc-sig", sig}, {"disc-rpl", rpl}, {"disc-cch", cch}, {"disc-cmg", cmg}, {"disc-mc", mc},
		{"disc-shd", shd}, {"disc-aut", aut}, {"disc-tkt", tkt}, {"disc-az", az}, {"disc-cfg", cfg},
	}
	var all []*group
	for _, m := range makers {
		g := &group{dir: m.dir}
		m.make(g)
		all = append(all, g)
	}
	return all
}
