package main

// The lists of questions that some kinds have.

// A call asks a directory who offers an action.
type call struct {
	Sector    string `json:"sector"`
	Action    string `json:"action"`
	Version   int    `json:"version"`
	Envelope  string `json:"envelope"`
	Expect    any    `json:"expect"` // instances, or "stale"
	Tolerated []any  `json:"tolerated,omitempty"`
}

// find is a call of an action in sector main, version 1, envelope json, that finds these.
func find(action string, found ...instance) call {
	return call{Sector: "main", Action: action, Version: 1, Envelope: "json", Expect: append([]instance{}, found...)}
}

func (c call) version(n int) call      { c.Version = n; return c }
func (c call) in(sector string) call   { c.Sector = sector; return c }
func (c call) by(envelope string) call { c.Envelope = envelope; return c }
func (c call) or(tolerated ...instance) call {
	c.Tolerated = append(c.Tolerated, append([]instance{}, tolerated...))
	return c
}

// stale is the call that fails because the cache file is stale.
func (c call) stale() call { c.Expect = "stale"; return c }

// of is the base packet of an identity as an instance that offers an action under its real name.
func of(i *identity, action string, version int) instance {
	return instance{Fingerprint: i.fingerprint, Ident: baseIdent, URI: baseURI, Action: action, Version: version}
}

// seconds is the instance with this timeout of its action.
func (i instance) seconds(n int) instance { i.Timeout = n; return i }

// named is the instance with this ident, at this URI.
func (i instance) named(ident, uri string) instance { i.Ident, i.URI = ident, uri; return i }

// directory adds a vector about who is found after packets were taken up as the records of one file.
func (g *group) directory(name, rules, title string, packets []octets, calls ...call) {
	g.add(name, rules, title, vector{Kind: "directory", Packets: packets, Calls: calls})
}

// guarded is directory with an authorised-services file.
func (g *group) guarded(name, rules, title string, file string, packets []octets, calls ...call) {
	g.add(name, rules, title, vector{Kind: "directory", Packets: packets, Authorized: text(file), Calls: calls})
}

// A question asks an authorised-services file.
type question struct {
	Fingerprint string `json:"fingerprint"`
	Sector      string `json:"sector"`
	Action      string `json:"action"`
	Expect      bool   `json:"expect"`
	Tolerated   []bool `json:"tolerated,omitempty"`
}

// may and mayNot are questions about A in sector main.
func may(action string) question { return question{identityA().fingerprint, "main", action, true, nil} }

func mayNot(action string) question {
	return question{identityA().fingerprint, "main", action, false, nil}
}

func (q question) in(sector string) question      { q.Sector = sector; return q }
func (q question) by(fingerprint string) question { q.Fingerprint = fingerprint; return q }
func (q question) either() question               { q.Tolerated = []bool{!q.Expect}; return q }

// A step of a listener: a packet arrives, or only time passes, and these instances are live afterwards.
type step struct {
	At     float64      `json:"at"`
	Packet octets       `json:"packet,omitzero"`
	Expect []liveness   `json:"expect"`
	Other  [][]liveness `json:"tolerated,omitempty"`
}

// A liveness is an instance that is live, with the timestamp of its packet.
type liveness struct {
	Fingerprint string `json:"fingerprint"`
	Ident       string `json:"ident"`
	Timestamp   number `json:"timestamp"`
}

// A scene is what a requester finds after its files have changed. What is left out has not changed.
type scene struct {
	At         float64 `json:"at"`
	Cache      *octets `json:"cache,omitempty"`      // written anew
	Authorized *octets `json:"authorized,omitempty"` // written anew
	Touch      bool    `json:"touch,omitempty"`      // the cache file has a new time, and the same content
	Remove     string  `json:"remove,omitempty"`     // "cache" or "authorized" is removed
	Calls      []call  `json:"calls"`
}

// sequence adds a vector about files that change.
func (g *group) sequence(name, rules, title string, scenes ...scene) {
	g.add(name, rules, title, vector{Kind: "sequence", Scenes: scenes})
}

// fileOf is a cache file of these packets.
func fileOf(packets ...octets) *octets {
	f := new(cacheFile).put()
	for _, p := range packets {
		f.put(marker, p)
	}
	return &f.text
}

// A setting asks a configuration for a key. Expect is null where it is not set, an object with error where that is an
// error.
type setting struct {
	Key       string `json:"key"`
	Expect    any    `json:"expect"`
	Tolerated []any  `json:"tolerated,omitempty"`
}

// failure is a setting that is an error, with a text that names something.
type failure struct {
	Error string `json:"error"`
}

// A hostInterface is an interface of the host on which a configuration is read.
type hostInterface struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
}

// A record of a cache file.
type record struct {
	Line    int    `json:"line"`
	Outcome string `json:"outcome"`

	Fingerprint string  `json:"fingerprint,omitempty"`
	Ident       *string `json:"ident,omitempty"`
}

// A service is what an announcer is told to announce.
type service struct {
	Ident     string    `json:"ident"`
	Sector    string    `json:"sector"`
	Weight    int       `json:"weight"`
	Interval  int       `json:"interval"`
	URI       string    `json:"uri"`
	Envelopes []string  `json:"envelopes"`
	Actions   []offered `json:"actions"`
	Timestamp number    `json:"timestamp"`
	Repeat    int       `json:"repeat,omitempty"` // the actions so many times, # in a name replaced by 0, 1, …
}

// An offered action. What is left out is as the service has it, the version is 1.
type offered struct {
	Sector    string   `json:"sector,omitempty"`
	Name      string   `json:"name"`
	Version   *int     `json:"version,omitempty"`
	Envelopes []string `json:"envelopes,omitempty"`
	Flags     string   `json:"flags,omitempty"`
}

func pointer[T any](v T) *T { return &v }
