//line grammar.rl:1
// Code generated from grammar.rl by ragel; DO NOT EDIT.

package wire

//line grammar_gen_test.go:7
var _packets_actions []byte = []byte{
	0, 1, 0, 1, 1, 1, 2, 1, 3,
	1, 4, 1, 5, 1, 6, 1, 8,
	1, 10, 1, 11, 1, 12, 1, 13,
	1, 14, 1, 15, 2, 7, 8, 2,
	9, 10,
}

var _packets_key_offsets []byte = []byte{
	0, 0, 1, 2, 3, 7, 8, 12,
	13, 14, 15, 16, 17, 18, 19, 25,
	28, 31, 34, 37, 42, 46, 52, 55,
	60, 63, 66, 69, 72, 75, 78, 81,
	84, 87, 90, 93, 96, 99, 102, 105,
	108, 111, 114, 120, 126, 132, 138, 144,
	150, 154, 160, 166, 172, 176, 180, 186,
	192, 197, 203, 208, 211, 212, 213, 214,
	215, 216, 217, 218, 219, 220, 221, 223,
	224, 225, 226, 227, 228, 229, 230, 231,
	233, 239, 239,
}

var _packets_trans_keys []byte = []byte{
	67, 75, 32, 48, 49, 50, 57, 32,
	48, 49, 50, 57, 13, 10, 69, 78,
	68, 13, 10, 13, 51, 48, 50, 52,
	57, 13, 48, 57, 13, 48, 57, 13,
	48, 57, 13, 48, 57, 13, 48, 49,
	50, 57, 13, 48, 49, 57, 13, 55,
	48, 54, 56, 57, 13, 48, 50, 32,
	56, 57, 48, 55, 32, 48, 57, 32,
	48, 57, 32, 48, 57, 32, 48, 57,
	32, 48, 57, 32, 48, 57, 32, 48,
	57, 32, 48, 57, 32, 48, 57, 32,
	48, 57, 32, 48, 57, 32, 48, 57,
	32, 48, 57, 32, 48, 57, 32, 48,
	57, 32, 48, 57, 32, 48, 57, 32,
	48, 57, 32, 52, 48, 51, 53, 57,
	32, 52, 48, 51, 53, 57, 32, 54,
	48, 53, 55, 57, 32, 55, 48, 54,
	56, 57, 32, 52, 48, 51, 53, 57,
	32, 52, 48, 51, 53, 57, 32, 48,
	49, 57, 32, 55, 48, 54, 56, 57,
	32, 51, 48, 50, 52, 57, 32, 55,
	48, 54, 56, 57, 32, 48, 49, 57,
	32, 57, 48, 56, 32, 53, 48, 52,
	54, 57, 32, 53, 48, 52, 54, 57,
	32, 48, 49, 50, 57, 32, 54, 48,
	53, 55, 57, 32, 48, 49, 50, 57,
	32, 48, 53, 65, 84, 65, 79, 70,
	69, 65, 68, 69, 82, 73, 79, 78,
	71, 78, 71, 88, 69, 82, 82, 10,
	13, 65, 68, 69, 72, 80, 84,
}

var _packets_single_lengths []byte = []byte{
	0, 1, 1, 1, 2, 1, 2, 1,
	1, 1, 1, 1, 1, 1, 2, 1,
	1, 1, 1, 3, 2, 2, 1, 3,
	1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2,
	3, 2, 3, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 2, 1,
	1, 1, 1, 1, 1, 1, 1, 2,
	6, 0, 0,
}

var _packets_range_lengths []byte = []byte{
	0, 0, 0, 0, 1, 0, 1, 0,
	0, 0, 0, 0, 0, 0, 2, 1,
	1, 1, 1, 1, 1, 2, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 2, 2, 2, 2, 2, 2,
	1, 2, 2, 2, 1, 1, 2, 2,
	1, 2, 1, 1, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0,
}

var _packets_index_offsets []int16 = []int16{
	0, 0, 2, 4, 6, 10, 12, 16,
	18, 20, 22, 24, 26, 28, 30, 35,
	38, 41, 44, 47, 52, 56, 61, 64,
	69, 72, 75, 78, 81, 84, 87, 90,
	93, 96, 99, 102, 105, 108, 111, 114,
	117, 120, 123, 128, 133, 138, 143, 148,
	153, 157, 162, 167, 172, 176, 180, 185,
	190, 195, 200, 205, 208, 210, 212, 214,
	216, 218, 220, 222, 224, 226, 228, 231,
	233, 235, 237, 239, 241, 243, 245, 247,
	250, 257, 258,
}

var _packets_indicies []byte = []byte{
	1, 0, 2, 0, 3, 0, 4, 5,
	6, 0, 7, 0, 8, 9, 10, 0,
	11, 0, 12, 13, 14, 13, 15, 13,
	16, 13, 17, 13, 18, 13, 11, 20,
	19, 21, 0, 11, 21, 0, 11, 22,
	0, 11, 23, 0, 11, 24, 0, 11,
	21, 25, 22, 0, 11, 26, 23, 0,
	11, 27, 23, 24, 0, 11, 24, 0,
	7, 29, 30, 28, 0, 7, 30, 0,
	7, 31, 0, 7, 32, 0, 7, 33,
	0, 7, 34, 0, 7, 35, 0, 7,
	36, 0, 7, 37, 0, 7, 38, 0,
	7, 39, 0, 7, 40, 0, 7, 41,
	0, 7, 42, 0, 7, 43, 0, 7,
	44, 0, 7, 45, 0, 7, 46, 0,
	7, 47, 0, 7, 48, 30, 31, 0,
	7, 49, 31, 32, 0, 7, 50, 32,
	33, 0, 7, 51, 33, 34, 0, 7,
	52, 34, 35, 0, 7, 53, 35, 36,
	0, 7, 54, 37, 0, 7, 55, 37,
	38, 0, 7, 56, 38, 39, 0, 7,
	57, 39, 40, 0, 7, 58, 41, 0,
	7, 59, 41, 0, 7, 60, 42, 43,
	0, 7, 61, 43, 44, 0, 7, 44,
	62, 45, 0, 7, 63, 45, 46, 0,
	7, 46, 64, 47, 0, 7, 47, 0,
	65, 0, 66, 0, 67, 0, 68, 0,
	69, 0, 70, 0, 71, 0, 72, 0,
	73, 0, 74, 0, 75, 76, 0, 77,
	0, 78, 0, 79, 0, 80, 0, 81,
	0, 82, 0, 83, 0, 84, 0, 13,
	86, 85, 87, 88, 89, 90, 91, 92,
	0, 13, 93,
}

var _packets_trans_targs []byte = []byte{
	0, 2, 3, 4, 5, 23, 24, 6,
	7, 14, 15, 8, 9, 0, 10, 11,
	12, 13, 80, 15, 19, 16, 17, 18,
	7, 20, 21, 22, 24, 42, 25, 26,
	27, 28, 29, 30, 31, 32, 33, 34,
	35, 36, 37, 38, 39, 40, 41, 5,
	43, 44, 45, 46, 47, 48, 49, 50,
	51, 52, 53, 54, 55, 56, 57, 58,
	59, 61, 62, 3, 64, 3, 66, 67,
	68, 69, 3, 71, 73, 72, 3, 74,
	3, 76, 77, 78, 3, 79, 81, 1,
	60, 63, 65, 70, 75, 82,
}

var _packets_trans_actions []byte = []byte{
	21, 0, 9, 0, 29, 29, 29, 0,
	32, 32, 32, 0, 25, 0, 0, 0,
	0, 0, 27, 17, 17, 17, 17, 17,
	17, 17, 17, 17, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15,
	15, 0, 0, 3, 0, 5, 0, 0,
	0, 0, 1, 0, 0, 0, 11, 0,
	13, 0, 0, 0, 7, 19, 19, 0,
	0, 0, 0, 0, 0, 23,
}

var _packets_eof_actions []byte = []byte{
	0, 21, 21, 21, 21, 21, 21, 21,
	0, 0, 0, 0, 0, 0, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 0,
	0, 0, 0,
}

const packets_start int = 80
const packets_first_final int = 80
const packets_error int = 0

const packets_en_spoiled int = 79
const packets_en_octets int = 82
const packets_en_main int = 80

//line grammar.rl:85

// readAll runs the machine over data. It returns the packets, the number of
// octets that they take, and whether what follows cannot become a packet.
func readAll(data []byte) (packets []Packet, taken int, malformed bool) {
	var (
		packet     Packet
		body, left int // where the body begins, and how much of it is to come
		top        int
		stack      [1]int
	)
	cs, p, pe, eof := 0, 0, len(data), -1

//line grammar_gen_test.go:206
	{
		cs = packets_start
		top = 0
	}

//line grammar.rl:98

//line grammar_gen_test.go:212
	{
		var _klen int
		var _trans int
		var _acts int
		var _nacts uint
		var _keys int
		if p == pe {
			goto _test_eof
		}
		if cs == 0 {
			goto _out
		}
	_resume:
		_keys = int(_packets_key_offsets[cs])
		_trans = int(_packets_index_offsets[cs])

		_klen = int(_packets_single_lengths[cs])
		if _klen > 0 {
			_lower := int(_keys)
			var _mid int
			_upper := int(_keys + _klen - 1)
			for {
				if _upper < _lower {
					break
				}

				_mid = _lower + ((_upper - _lower) >> 1)
				switch {
				case data[p] < _packets_trans_keys[_mid]:
					_upper = _mid - 1
				case data[p] > _packets_trans_keys[_mid]:
					_lower = _mid + 1
				default:
					_trans += int(_mid - int(_keys))
					goto _match
				}
			}
			_keys += _klen
			_trans += _klen
		}

		_klen = int(_packets_range_lengths[cs])
		if _klen > 0 {
			_lower := int(_keys)
			var _mid int
			_upper := int(_keys + (_klen << 1) - 2)
			for {
				if _upper < _lower {
					break
				}

				_mid = _lower + (((_upper - _lower) >> 1) & ^1)
				switch {
				case data[p] < _packets_trans_keys[_mid]:
					_upper = _mid - 2
				case data[p] > _packets_trans_keys[_mid+1]:
					_lower = _mid + 2
				default:
					_trans += int((_mid - int(_keys)) >> 1)
					goto _match
				}
			}
			_trans += _klen
		}

	_match:
		_trans = int(_packets_indicies[_trans])
		cs = int(_packets_trans_targs[_trans])

		if _packets_trans_actions[_trans] == 0 {
			goto _again
		}

		_acts = int(_packets_trans_actions[_trans])
		_nacts = uint(_packets_actions[_acts])
		_acts++
		for ; _nacts > 0; _nacts-- {
			_acts++
			switch _packets_actions[_acts-1] {
			case 0:
//line grammar.rl:11
				packet.Type = TypeHeader
			case 1:
//line grammar.rl:12
				packet.Type = TypeData
			case 2:
//line grammar.rl:13
				packet.Type = TypeEOF
			case 3:
//line grammar.rl:14
				packet.Type = TypeTXErr
			case 4:
//line grammar.rl:15
				packet.Type = TypeAck
			case 5:
//line grammar.rl:16
				packet.Type = TypePing
			case 6:
//line grammar.rl:17
				packet.Type = TypePong
			case 7:
//line grammar.rl:39
				packet.Number = 0
			case 8:
//line grammar.rl:39
				packet.Number = 10*packet.Number + uint64(data[p]-'0')
			case 9:
//line grammar.rl:47
				left = 0
			case 10:
//line grammar.rl:47
				left = 10*left + int(data[p]-'0')
			case 11:
//line grammar.rl:52

				if p-taken == 79 {
					cs = (packets_error)
					goto _again

				}

			case 12:
//line grammar.rl:57
				p--
				cs = 79
				goto _again

			case 13:
//line grammar.rl:60

				left--
				if left == 0 {
					top--
					cs = stack[top]
					goto _again

				}

			case 14:
//line grammar.rl:68

				body = p + 1
				if left > 0 {
					stack[top] = cs
					top++
					cs = 82
					goto _again

				}

			case 15:
//line grammar.rl:76

				taken = p + 1
				packet.Body = data[body : taken-5]
				packets = append(packets, packet)

//line grammar_gen_test.go:365
			}
		}

	_again:
		if cs == 0 {
			goto _out
		}
		p++
		if p != pe {
			goto _resume
		}
	_test_eof:
		{
		}
		if p == eof {
			__acts := _packets_eof_actions[cs]
			__nacts := uint(_packets_actions[__acts])
			__acts++
			for ; __nacts > 0; __nacts-- {
				__acts++
				switch _packets_actions[__acts-1] {
				case 12:
//line grammar.rl:57
					p--
					cs = 79
					goto _again

//line grammar_gen_test.go:390
				}
			}
		}

	_out:
		{
		}
	}

//line grammar.rl:99
	return packets, taken, cs == packets_error
}
