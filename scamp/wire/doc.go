// Package wire turns SCAMP packets into octets and back.
//
// A packet is a request line, a body and a trailer:
//
//	DATA 0 18 CR LF
//	{"hello":"wörld"}END CR LF
//
// The line has the packet's type, a message number, and the body's length in
// octets. Append and AppendPart write packets, a Reader reads them from a
// stream; neither allocates per packet. The Reader holds the limits of the
// specification before a body is buffered and names the rule that malformed
// input breaks (WIRE-FRAME-01 to WIRE-FRAME-14).
//
// What a packet means, and which one may follow which, is the business of
// package scamp.
package wire
