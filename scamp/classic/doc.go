// Package scamp is the blocking API of earlier programs, as a thin layer over the package of the same name above it. Such a
// program changes one line, and keeps the rest:
//
//	import "github.com/gudtech/scamp-sim/scamp/classic"
//
//	scamp.Initialize()
//
//	var conn scamp.Connection
//	err := conn.Connect("10.0.0.7:30100")
//	err = conn.SendRequest(scamp.Request{Action: "Product.Sku.fetch", EnvelopeFormat: scamp.ENVELOPE_JSON, Version: 1})
//	reply, err := conn.RecvReply()
//	conn.Close()
//
// The layer is as careful as what is below it. A connection is made to a service that the discovery cache has an
// announcement of, for that very address, and its certificate must be the announced one. A request is sent if the service
// announces the action, and if the operator has authorised it for that.
//
// New programs have no reason to use it: the package above finds services by their actions, and its calls have contexts.
package scamp
