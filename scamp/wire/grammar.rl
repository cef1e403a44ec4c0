// Code generated from grammar.rl by ragel; DO NOT EDIT.

package wire

%%{
	# What a receiver takes in one direction: section 16 of the specification,
	# with any body in any packet.
	machine packets;

	# WIRE-FRAME-13b
	type = 'HEADER' @{ packet.Type = TypeHeader }
	     | 'DATA'   @{ packet.Type = TypeData }
	     | 'EOF'    @{ packet.Type = TypeEOF }
	     | 'TXERR'  @{ packet.Type = TypeTXErr }
	     | 'ACK'    @{ packet.Type = TypeAck }
	     | 'PING'   @{ packet.Type = TypePing }
	     | 'PONG'   @{ packet.Type = TypePong };

	# WIRE-FRAME-07a, WIRE-FRAME-07b. A number fits into 64 bits: it is shorter than
	# 18446744073709551615, or smaller at the first digit where they differ.
	bits64 = [1-9] digit{0,18}
	       | '1' [0-7] digit{18}
	       | '18' [0-3] digit{17}
	       | '184' [0-3] digit{16}
	       | '1844' [0-5] digit{15}
	       | '18446' [0-6] digit{14}
	       | '184467' [0-3] digit{13}
	       | '1844674' [0-3] digit{12}
	       | '184467440' [0-6] digit{10}
	       | '1844674407' [0-2] digit{9}
	       | '18446744073' [0-6] digit{8}
	       | '1844674407370' [0-8] digit{6}
	       | '18446744073709' [0-4] digit{5}
	       | '184467440737095' [0-4] digit{4}
	       | '1844674407370955' '0' digit{3}
	       | '18446744073709551' [0-5] digit{2}
	       | '184467440737095516' '0' digit
	       | '1844674407370955161' [0-5];
	number = ( '0' | bits64 ) >{ packet.Number = 0 } ${ packet.Number = 10*packet.Number + uint64(fc-'0') };

	# WIRE-FRAME-08c, in the same way.
	upto131072 = [1-9] digit{0,4}
	           | '1' [0-2] digit{4}
	           | '130' digit{3}
	           | '1310' [0-6] digit
	           | '13107' [0-2];
	length = ( '0' | upto131072 ) >{ left = 0 } ${ left = 10*left + int(fc-'0') };

	# The verdict on a line is given at its end: what cannot become a line any more
	# goes on to LF, to a CR with anything behind it, or to 80 octets
	# (WIRE-FRAME-04a, WIRE-FRAME-05c).
	spoiled := ( ^[\r\n]* '\r' ) ${
		if p-taken == 79 {
			fgoto *packets_error;
		}
	};
	action spoil { fhold; fgoto spoiled; }

	# A body is counted, and not looked at (WIRE-FRAME-11).
	octets := ( any @{
		left--
		if left == 0 {
			fret;
		}
	} )*;

	# WIRE-FRAME-03a, WIRE-FRAME-03b
	line = ( type ' ' number ' ' length ) $!spoil '\r' '\n' @{
		body = p + 1
		if left > 0 {
			fcall octets;
		}
	};

	# WIRE-FRAME-09
	trailer = 'END\r\n' @{
		taken = p + 1
		packet.Body = data[body : taken-5]
		packets = append(packets, packet)
	};

	main := ( line trailer )*;

	write data;
}%%

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
	%%write init;
	%%write exec;
	return packets, taken, cs == packets_error
}
