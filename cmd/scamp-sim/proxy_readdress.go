package main

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// readdress signs a packet anew, with another address. Nothing else in it changes.
func readdress(packet []byte, signer *discovery.Signer, uri string) ([]byte, error) {
	data, _, _ := bytes.Cut(packet, []byte("\n\n"))
	var elements []json.RawMessage
	if err := json.Unmarshal(data, &elements); err != nil || len(elements) != 9 {
		return nil, errors.New("its announcement cannot be taken apart")
	}
	elements[5], _ = json.Marshal(uri)
	var one bytes.Buffer
	joined := append([]byte{'['}, bytes.Join(rawTexts(elements), []byte{','})...)
	if err := json.Compact(&one, append(joined, ']')); err != nil {
		return nil, err
	}
	return signer.SignData(one.Bytes())
}

func rawTexts(elements []json.RawMessage) [][]byte {
	all := make([][]byte, len(elements))
	for i, e := range elements {
		all[i] = e
	}
	return all
}
