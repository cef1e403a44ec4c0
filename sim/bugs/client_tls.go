package bugs

var clientTLS = []Client{
	{Name: "speaks-before-tls", Rule: "WIRE-TLS-01a", Title: "begins a connection with a line of text", way: way{plain: true}},
	{Name: "checks-validity", Rule: "WIRE-TLS-01d", Title: "refuses a certificate that has expired", way: way{validity: true}},
	{Name: "ignores-the-fingerprint", Rule: "WIRE-TLS-02a", Title: "takes any certificate for the announced one", way: way{forged: true}},
	{Name: "listens-to-strangers", Rule: "WIRE-TLS-02b", Title: "sends nothing to a server with another certificate, but believes what it says",
		way: way{forged: true, held: true}},
	{Name: "keeps-strangers-connected", Rule: "WIRE-TLS-02c", Title: "leaves a connection open whose certificate is not the announced one", way: way{lingers: true}},
	{Name: "dies-of-failed-handshakes", Rule: "WIRE-TLS-03", Title: "ends when a handshake fails", way: way{fragile: true}},
	{Name: "has-old-tls-only", Rule: "WIRE-TLS-04a", Title: "offers nothing newer than TLS 1.1", way: way{no13: true}},
}
