//go:build unix

package sim

import (
	"context"
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// BenchmarkCall is what a call of a world costs, in time of the processor: the time
// of the clock is virtual. Compare the rows of one run with each other; bare is the
// same call between the two ends of a pipe in memory, without a world.
func BenchmarkCall(b *testing.B) {
	b.Run("bare", benchBare)
	for _, tls := range []bool{false, true} {
		for _, services := range []int{10, 100, 1000} {
			b.Run(fmt.Sprintf("tls=%v/services=%d", tls, services), func(b *testing.B) {
				benchCalls(b, tls, services, max(services/10, 1), 10)
			})
		}
		for _, uses := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("tls=%v/connections=%d", tls, 10*uses), func(b *testing.B) {
				benchCalls(b, tls, 100, 10, uses)
			})
		}
	}
}

// benchCalls lets requesters that each use some of the services make 1,000 calls a
// second, b.N in all.
func benchCalls(b *testing.B, tls bool, services, requesters, uses int) {
	b.ReportAllocs()
	var spent time.Duration
	r := Run(b, 1, func(w *World) {
		w.TLS = tls
		for i := range services {
			w.Service(ServiceSpec{Name: fmt.Sprintf("s%d", i), Actions: []ActionSpec{{
				Name: fmt.Sprintf("S%d.get", i), Latency: Around(5 * time.Millisecond), Reply: OctetsBetween(0, 2048),
			}}})
		}
		w.Sleep(2 * time.Second) // everybody is known
		for i := range requesters {
			var calls []LoadSpec
			for k := range uses {
				calls = append(calls, LoadSpec{
					Action: fmt.Sprintf("S%d.get", (i*uses+k)%services), Rate: 1000 / float64(requesters*uses), Body: OctetsBetween(0, 1024),
				})
			}
			w.Requester(RequesterSpec{Name: fmt.Sprintf("r%d", i), Calls: calls})
		}
		w.Sleep(5 * time.Second) // everybody is connected
		b.ResetTimer()
		spent = processorTime()
		w.Sleep(time.Duration(b.N) * time.Millisecond)
		spent = processorTime() - spent
		b.StopTimer()
	})
	if n := r.Stats.Calls - r.Stats.Actions[0].Kinds[NotFound]; n < b.N/2 {
		b.Errorf("only %d calls", n)
	}
	b.ReportMetric(0, "ns/op") // of virtual time
	b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "cpu-µs/call")
}

func processorTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchBare(b *testing.B) {
	b.ReportAllocs()
	client, server := simnet.Pipe(0)
	body, _ := filled(message{}, asking, 512)
	reply, _ := filled(answer{}, answering, 1024)
	svc := &scamp.Service{Mux: new(scamp.Mux)}
	svc.Mux.HandleFunc(scamp.Action{Name: "S.get", NoAuth: true}, func(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		_, err := w.Write(reply)
		return err
	})
	go svc.ServeConn(server)
	c := scamp.NewConnection(client, scamp.Config{})
	defer svc.Close()
	defer c.Close()
	spent := processorTime()
	for b.Loop() {
		r := scamp.NewRequest("S.get", body)
		reply, err := c.Call(context.Background(), r)
		if err == nil {
			_, err = reply.ReadAll(1 << 20)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	spent = processorTime() - spent
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "cpu-µs/call")
}
