package conformance

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A world is everything around a client in one run of a case: instances with their addresses, the files that tell of
// them, and the application that makes calls. All state is guarded by play.mu, but for the files.
type world struct {
	play  *play
	start func(calling.World) calling.Client

	files     files
	instances []*instance // in the order in which the case named them; the first is the one that every case has aside
	announced int         // records that have been made
	listed    string      // the authorised services that the case has written
	ownList   bool        // … instead of what is announced
	config    []string    // lines
	chosen    *instance   // the instance that accept any has found
	disturbed bool        // the files are not what they would be without the case

	client calling.Client // nil before the first call
	closed bool           // … and what the application has closed
	calls  []*call
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // calls
}

// An instance is one instance of a service.
type instance struct {
	name, address string
	identity      string // what it presents
	record        *record
	packet        string // the record as it stands in the cache; "" where it is not there
	how           Behaviour
	waiting       []net.Conn // connections that nobody has accepted
	tried         int        // attempts to connect
	refused       int        // … that were refused and that no step has taken
	answered      int        // requests that it has answered by itself
}

// ident is what an instance calls itself.
func (i *instance) ident() string { return "conformance:" + i.name }

// asideInstance is an instance that every case has and none speaks of: a call to it proves that the subject is alive.
const asideInstance = "aside"

var instanceNames = []string{asideInstance, "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9"}

func newWorld(pl *play, start func(calling.World) calling.Client) *world {
	w := &world{play: pl, start: start}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	aside := w.instance(asideInstance)
	aside.how = BehaveServe
	aside.record = &record{Actions: []offer{}}
	first := w.instance("S1")
	first.record = &record{}
	for _, i := range []*instance{aside, first} {
		w.announce(i)
	}
	w.configure("", "")
	return w
}

// addressOf returns the address of an instance.
func addressOf(name string) string {
	if name == asideInstance {
		return "10.0.0.100:30100"
	}
	return "10.0.0." + name[1:] + ":30100"
}

// instance returns the instance of a name; it is made when it is named first.
func (w *world) instance(name string) *instance {
	for _, i := range w.instances {
		if i.name == name {
			return i
		}
	}
	i := &instance{name: name, address: addressOf(name), identity: name, how: BehaveListen}
	w.instances = append(w.instances, i)
	return i
}

// announce puts the record of an instance into the cache, and what it offers into the list of what is authorised.
func (w *world) announce(i *instance) {
	w.announced++
	i.record.fill(i, fmt.Sprintf("%d.%06d", w.play.start.Unix(), w.announced))
	i.identity = i.record.Certificate
	i.packet = i.record.packet(i)
	w.writeCache()
	w.writeList()
}

func (w *world) writeCache() {
	var b strings.Builder
	for _, i := range w.instances {
		if i.packet != "" {
			b.WriteString("\n%%%\n" + i.packet)
		}
	}
	w.files.write(calling.Cache, b.String())
}

// writeList writes the authorised services: what the case says, or everything that is announced.
func (w *world) writeList() {
	if w.ownList {
		w.files.write(calling.Authorized, w.listed)
		return
	}
	tokens := map[string][]string{}
	var order []string
	for _, i := range w.instances {
		if i.packet == "" {
			continue
		}
		fingerprint := identityOf(i.record.Certificate).fingerprint
		if tokens[fingerprint] == nil {
			order = append(order, fingerprint)
		}
		for _, s := range i.record.sectors() {
			if token := s + ":ALL"; !slices.Contains(tokens[fingerprint], token) {
				tokens[fingerprint] = append(tokens[fingerprint], token)
			}
		}
	}
	var b strings.Builder
	for _, fingerprint := range order {
		b.WriteString(fingerprint + " " + strings.Join(tokens[fingerprint], ", ") + "\n")
	}
	w.files.write(calling.Authorized, b.String())
}

// configure writes the configuration file, with one more key.
func (w *world) configure(key, value string) {
	if key != "" {
		w.config = append(w.config, key+" = "+value)
	}
	lines := append([]string{"discovery.cache_path = " + calling.Cache, "bus.authorized_services = " + calling.Authorized}, w.config...)
	w.files.write(calling.Config, strings.Join(lines, "\n")+"\n")
}

// at returns the instance at an address, whether the case has named it or not; nil is nobody.
func (w *world) at(address string) *instance {
	for _, name := range instanceNames {
		if addressOf(name) == address {
			return w.instance(name)
		}
	}
	return nil
}

// dial is the World's Dial: it connects to the instance that has an address.
func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	pl := w.play
	pl.mu.Lock()
	defer pl.mu.Unlock()
	defer pl.change.Broadcast()
	i := w.at(address)
	if i == nil {
		pl.remark("a connection to " + address + " is tried, where nobody is")
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	i.tried++
	if i.how == BehaveRefuse {
		i.refused++
		pl.remark("a connection to " + i.name + " is refused")
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	own, theirs := simnet.Pipe(0)
	i.waiting = append(i.waiting, own)
	if i.how == BehaveServe {
		w.serve(i)
	}
	return theirs, nil
}

// serve accepts the connections that wait at an instance and answers all requests. play.mu is held.
func (w *world) serve(i *instance) {
	for _, nc := range i.waiting {
		p := w.play.admit(i.name, secured(nc, i.identity, ""))
		p.instance, p.acking, p.serving, p.aside, p.anything = i, true, true, true, true
		p.begin()
	}
	i.waiting = nil
}

// close closes the client, once.
func (w *world) close() {
	if w.client != nil && !w.closed {
		w.closed = true
		w.client.Close()
	}
}

// leave ends the client and its calls, and gives up the connections that nobody has accepted.
func (w *world) leave() {
	w.cancel()
	w.wg.Wait()
	w.close()
	w.play.mu.Lock()
	defer w.play.mu.Unlock()
	for _, i := range w.instances {
		for _, nc := range i.waiting {
			nc.Close()
		}
	}
}
