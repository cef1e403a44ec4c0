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
// Code of your own takes part as a [Program]: with Dial and Listen of a host, a
// directory of what is announced, and announcements that the requesters of the world
// find.
//
//	bus := w.Program("till").Requester()      // calls the services of the world
//	w.Program("greeter").Serve("greeter", mine) // is called by its requesters
//
// While it runs, and at its end, it is checked that every call ends once, that nothing
// is executed twice unless it was refused before, that a call which says that it was
// not sent was not executed, that bodies arrive whole and at their own call, that
// windows and acknowledgements are kept, that nobody is called who is not authorised,
// and that no connection, message or goroutine is left.
//
// A run depends on its seed alone, as long as everybody acts at an instant of his
// own: random pauses have some nanoseconds more for that. See package simnet for the
// rules that code in a world has to keep. Code that does not keep them runs all the
// same: where that can be seen, as from writes without a deadline, the Result says
// that the run is not one that can be repeated, and because of whom. What cannot be
// seen is an order that maps or goroutines decide.
package sim
