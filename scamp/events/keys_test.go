package events

import (
	"fmt"
	"testing"
)

func TestKeys(t *testing.T) {
	k := new(keys)
	k.begin()
	for _, e := range []Event{{"b", "1", raw("1")}, {"a", "2", raw("1")}, {"a", "1", raw("1")}, {"a", "1", raw("2")}, {"a", "3", raw("1")}, {"a", "3", nil}, {"c", "", nil}} {
		k.put(e)
	}
	if len(k.at) != 3 || k.octets != 6 || len(k.gone()) != 0 {
		t.Error(k)
	}
	k.begin()
	k.put(Event{"a", "2", raw("1")})
	if got := fmt.Sprint(k.gone()); got != "[{a 1 []} {b 1 []}]" || len(k.at) != 1 || k.octets != 2 {
		t.Error(got, k)
	}
}
