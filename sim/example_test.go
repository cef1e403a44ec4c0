package sim_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim"
)

// A service that is killed and comes back. In a test, sim.Run fails it for what must always hold and did not.
func ExamplePlay() {
	r, err := sim.Play(4711, func(w *sim.World) {
		shop := w.Service(sim.ServiceSpec{Name: "shop", Instances: 3, Actions: []sim.ActionSpec{{Name: "Shop.get"}}})
		w.Requester(sim.RequesterSpec{Name: "web", Calls: []sim.LoadSpec{{Action: "Shop.get", Rate: 50}}})
		w.At(20*time.Second, shop.Instance(1).Kill)
		w.At(30*time.Second, shop.Instance(1).Start)
		w.Sleep(time.Minute)
	})
	get := r.Stats.Action("Shop.get")
	fmt.Println(err, r.Err(), get.Calls > 2000, get.Success() > 0.999)
	// Output: <nil> <nil> true true
}

// Code of your own in the world: a service that the world's requesters find, and a caller of the world's services.
func ExampleProgram() {
	r, err := sim.Play(1, func(w *sim.World) {
		w.Service(sim.ServiceSpec{Name: "shop", Actions: []sim.ActionSpec{{Name: "Shop.get"}}})
		mine := &scamp.Service{Mux: new(scamp.Mux)}
		mine.Mux.Handle(scamp.Action{Name: "Greeting.hello", NoAuth: true}, scamp.JSON(hello))
		w.Program("greeter").Serve("greeter", mine)
		w.Requester(sim.RequesterSpec{Name: "web", Calls: []sim.LoadSpec{{Action: "Greeting.hello", Rate: 5, Request: sim.JSON("Ada")}}})

		bus := w.Program("till").Requester()
		reply, err := scamp.CallJSON[struct{ Instance string }](context.Background(), bus, "Shop.get", nil)
		fmt.Println(reply.Instance, err)
		w.Sleep(time.Minute)
	})
	greetings := r.Stats.Action("Greeting.hello")
	fmt.Println(err, r.Err(), r.Irreproducible == "", greetings.Calls > 200, greetings.Success())
	// Output:
	// shop-1 <nil>
	// <nil> <nil> true true 1
}

func hello(_ context.Context, name string) (string, error) { return "Hello, " + name + "!", nil }
