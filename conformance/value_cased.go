package conformance

// apply changes the case of ASCII letters and of nothing else.
func (t Cased) apply(b []byte) []byte {
	changed := make([]byte, len(b))
	for i, c := range b {
		switch {
		case t.Upper && 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		case !t.Upper && 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		changed[i] = c
	}
	return changed
}

func (t Cased) function() string {
	if t.Upper {
		return "upper"
	}
	return "lower"
}
