// Package events publishes values and subscribes to them: the optional events profile (WIRE-EVT, WIRE-CONN-07).
//
// A topic is a code; under it are values by their keys. A subscriber gets all present values of the topics that it asks for,
// and then every change. A service has a Publisher take its messages:
//
//	prices := new(events.Publisher)
//	svc := &scamp.Service{Mux: mux, Certificate: cert, Messages: prices.Messages}
//	prices.Publish("price", "lamp", 12.5) // tells whoever has subscribed
//	prices.Publish("price", "lamp", nil)  // deletes
//
// A client runs a Subscriber, which connects, subscribes, and does so again when the connection is lost:
//
//	s := &events.Subscriber{
//		Connect: func(ctx context.Context) (*scamp.Connection, error) {
//			return scamp.Dial(ctx, address, scamp.Config{Fingerprint: fp, Accept: true, Heartbeat: 15 * time.Second})
//		},
//		Topics: []string{"price"},
//		Event:  func(e events.Event) { … },
//	}
//	err := s.Run(ctx)
//
// A subscription is no outstanding work for a connection: without heartbeat, a silent one is closed when it has been idle
// for its time, and made anew. Set Config.Heartbeat where the peer has that profile.
//
// # Who has the profile
//
// None of its messages is sent to a peer that is not known to have it (WIRE-EVT-06). A Publisher sends to whoever has
// subscribed, and to nobody else. A Subscriber and Notify are for services of which the program knows.
//
// # Slow subscribers
//
// Publish never waits. What waits for a subscriber is bounded: beyond the bound only the latest value of each key is kept,
// and where that does not help, its connection is closed.
//
// # Announcements
//
// A service may publish its own announcement, as the datum "announce" with the empty key (DISC-SUB-01); see
// Publisher.Announce.
package events
