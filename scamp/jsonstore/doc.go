// Package jsonstore speaks the envelope jsonstore, in which an action reads and changes records (WIRE-ENV-02).
//
// A request says what is to be done, its xaction: create, read, update or destroy, and with which records. A reply has
// records, their number, and, where they were read, metaData that says how they are to be read. The type of a record is the
// program's own:
//
//	type Sku struct {
//		ID   int    `json:"id"`
//		Name string `json:"name"`
//	}
//
//	func skus(ctx context.Context, r *jsonstore.Request[Sku]) (*jsonstore.Reply[Sku], error) {
//		…
//		return &jsonstore.Reply[Sku]{Records: found}, nil
//	}
//
//	mux.Handle(scamp.Action{Name: "Product.Sku.fetch", Envelopes: []string{jsonstore.Envelope}}, jsonstore.Handler(skus))
//
// A caller has them back with Call. Records that are not to be looked at may be json.RawMessage.
package jsonstore
