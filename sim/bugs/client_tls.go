package bugs

var clientTLS = []Client{
	{Name: "speaks-before-tls", Rule: "WIRE-TLS-01a", Title: "begins a connection with a line of text", way: way{plain: true}},
	{Name: "ignores-the-fingerprint", Rule: "WIRE-TLS-02a", Title: "takes any certificate for the announced one", way: way{forged: true}},
	{Name: "listens-to-strangers", Rule: "WIRE-TLS-02b", Title: "sends nothing to a server with another certificate, but believes what it says",
		way: way{forged: true, held: true}},
	{Name: "keeps-strangers-connected", Rule: "WIRE-TLS-02c", Title: "leaves a connection open whose certificate is not the announced one", way: way{lingers: true}},
}
