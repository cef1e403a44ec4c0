// Package sim is a simulated bus: services, requesters, discovery caches and the
// network between them, in virtual time. The requesters and services are those of
// package scamp; what is simulated is what is around them, and what they do.
//
//	sim.Run(t, 4711, func(w *sim.World) {
//		shop := w.Service(sim.ServiceSpec{Name: "shop", Instances: 3, Actions: []sim.ActionSpec{{Name: "Shop.get"}}})
//		w.Requester(sim.RequesterSpec{Name: "web", Calls: []sim.LoadSpec{{Action: "Shop.get", Rate: 50}}})
//		w.At(20*time.Second, shop.Instance(1).Kill)
//		w.Sleep(time.Minute)
//	})
//
// While it runs, and at its end, it is checked that every call ends once, that nothing
// is executed twice unless it was refused before, that a call which says that it was
// not sent was not executed, that bodies arrive whole and at their own call, that
// windows and acknowledgements are kept, that nobody is called who is not authorised,
// and that no connection, message or goroutine is left.
//
// A run depends on its seed alone, as long as everybody acts at an instant of his
// own: random pauses have some nanoseconds more for that. See package simnet for the
// rules that code in a world has to keep.
package sim
