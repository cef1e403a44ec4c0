package sim_test

import (
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim"
)

func TestShop(t *testing.T) {
	sim.Run(t, 7, func(w *sim.World) {
		shop := w.Service(sim.ServiceSpec{Name: "shop", Instances: 3, Actions: []sim.ActionSpec{{Name: "Shop.get"}}})
		w.Requester(sim.RequesterSpec{Name: "web", Calls: []sim.LoadSpec{{Action: "Shop.get", Rate: 20}}})
		w.At(5*time.Second, shop.Instance(1).Kill)
		w.Sleep(30 * time.Second)
	})
}
