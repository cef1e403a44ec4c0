package scamp

import "testing"

func TestSendWindow(t *testing.T) { // WIRE-FLOW-04, WIRE-FLOW-05a
	w := sendWindow{size: 100}
	w.take(100)
	if w.available() != 0 {
		t.Error("a full window is open")
	}
	for _, step := range []struct {
		total uint64
		rule  string
		room  int
	}{
		{0, "WIRE-FLOW-04b", 0}, {101, "WIRE-FLOW-04c", 0}, {30, "", 30}, {30, "WIRE-FLOW-04b", 30}, {29, "WIRE-FLOW-04b", 30}, {100, "", 100},
	} {
		if rule := w.acknowledge(step.total); rule != step.rule || w.available() != step.room {
			t.Errorf("acknowledging %d: %q and %d, want %q and %d", step.total, rule, w.available(), step.rule, step.room)
		}
	}
}

func TestReceiveWindow(t *testing.T) { // WIRE-FLOW-02, WIRE-FLOW-07a
	var w receiveWindow
	if _, ok := w.acknowledge(); ok || w.due(true) {
		t.Error("nothing has come, and it is acknowledged")
	}
	w.consumed = ackEvery - 1
	if w.due(false) || !w.due(true) {
		t.Error("it is due when all is consumed, and not before")
	}
	w.consumed = ackEvery
	if !w.due(false) {
		t.Error("it is due after", ackEvery, "octets")
	}
	if total, ok := w.acknowledge(); total != ackEvery || !ok {
		t.Error(total, ok)
	}
	if _, ok := w.acknowledge(); ok || w.due(true) {
		t.Error("it is acknowledged twice")
	}
}
