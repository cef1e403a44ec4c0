package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
)

// ownHost refuses requests that name another host: a page that a browser has loaded
// from there may have let the name lead here.
func ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if ip, err := netip.ParseAddr(host); host != "localhost" && host != "[::1]" && (err != nil || !ip.IsLoopback()) {
			refused(http.StatusForbidden, "this is for programs of this host: it has no other name than localhost and its loopback addresses")(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refused answers with what is wrong.
func refused(status int, why string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { respond(w, status, failure{Error: why}) }
}

// orRefused lets what nobody answers be answered like everything else that is wrong.
func orRefused(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		own := &unsent{header: http.Header{}}
		h.ServeHTTP(own, r)
		if own.status != http.StatusMethodNotAllowed {
			refused(http.StatusNotFound, fmt.Sprintf("nothing is at %s: /v1/state, /v1/faults, /v1/instances/NAME and /metrics are", r.URL.Path))(w, r)
			return
		}
		allowed := own.header.Get("Allow")
		w.Header().Set("Allow", allowed)
		refused(own.status, fmt.Sprintf("%s is not possible at %s, but %s", r.Method, r.URL.Path, allowed))(w, r)
	})
}

// An unsent is an answer of which only the status and the header count.
type unsent struct {
	header http.Header
	status int
}

func (u *unsent) Header() http.Header         { return u.header }
func (u *unsent) WriteHeader(status int)      { u.status = status }
func (u *unsent) Write(b []byte) (int, error) { return len(b), nil }

// A failure is the body of an answer that says what is wrong.
type failure struct {
	Error    string         `json:"error"`
	Problems []placedReport `json:"problems,omitempty"` // of the text that was sent
}

type placedReport struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	What   string `json:"what"`
}

// respond sends an answer.
func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	e.Encode(body)
}
