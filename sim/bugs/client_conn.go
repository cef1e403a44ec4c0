package bugs

var clientConn = []Client{
	{Name: "leaves-sockets-open", Rule: "WIRE-CONN-03c", Title: "does not close a connection on which it has seen a fatal error", way: way{lingers: true}},
}

var clientSvc = []Client{}
