package main

import "strings"

// az is section 18: the authorisation table.
func az(g *group) {
	runs := "runs"
	privilege, unlisted, entry, table := "denied privilege", "denied unlisted", "denied entry", "denied table"
	asked := func(name, rules, title, t, action string, privileges []string, expect string, tolerated ...any) {
		g.add(name, rules, title, vector{Kind: "table", Table: text(t), Action: action, Privileges: &privileges, Expect: expect, Tolerated: tolerated})
	}
	has := func(ids ...string) []string { return append([]string{}, ids...) }

	const foo = `{"foo.make":["5"]}`
	asked("name-in-lower-case", "DISC-AZ-01c", "the entry is looked up in lower case", foo, "Foo.make", has("5"), runs)
	asked("name-in-upper-case", "DISC-AZ-01c", "however the action is called", foo, "FOO.MAKE", has("5"), runs)
	asked("name-in-upper-case-denied", "DISC-AZ-01c", "and denied all the same", foo, "FOO.MAKE", has("6"), privilege)
	asked("key-in-upper-case", "DISC-AZ-01c DISC-AZ-02a", "a key that is not in lower case is no entry of anything", `{"Foo.make":[]}`, "Foo.make", has(), unlisted)
	asked("kelvin-sign", "DISC-AZ-01c", "ASCII case only", `{"foo.key":[]}`, "Foo.\u212aey", has(), unlisted)
	asked("other-letters", "DISC-AZ-01c", "other letters are taken as they are", `{"foo.é":[]}`, "FOO.é", has(), runs)
	asked("escaped-key", "DISC-AZ-02a", "a key that is spelled with an escape", `{"f\u006fo.make":["5"]}`, "Foo.make", has("5"), runs)

	const both = `{"a.b":["5","6"]}`
	asked("first-privilege-alone", "DISC-AZ-01d", "one of two privileges is not enough", both, "a.b", has("5"), privilege)
	asked("second-privilege-alone", "DISC-AZ-01d", "neither is the other", both, "a.b", has("6"), privilege)
	asked("both-privileges", "DISC-AZ-01d", "both are", both, "a.b", has("5", "6"), runs)
	asked("both-privileges-and-more", "DISC-AZ-01d", "in any order, among others", both, "a.b", has("6", "7", "5"), runs)
	asked("no-privileges", "DISC-AZ-01d", "no privileges at all", both, "a.b", has(), privilege)
	asked("privileges-are-integers", "DISC-AZ-01d", "ids are compared as integers", `{"a.b":["06"]}`, "a.b", has("6"), runs, entry)
	asked("privilege-that-begins-alike", "DISC-AZ-01d", "56 is not 5", `{"a.b":["5"]}`, "a.b", has("56"), privilege)
	asked("privilege-that-ends-alike", "DISC-AZ-01d", "25 is not 5", `{"a.b":["5"]}`, "a.b", has("25"), privilege)
	asked("privilege-0", "DISC-AZ-01d", "0 is an id like any other", `{"a.b":["0"]}`, "a.b", has(), privilege)
	asked("privilege-0-held", "DISC-AZ-01d", "and can be held", `{"a.b":["0"]}`, "a.b", has("0"), runs)
	asked("privilege-listed-twice", "DISC-AZ-01d", "an id that is listed twice is one", `{"a.b":["5","5"]}`, "a.b", has("5"), runs)
	asked("privilege-of-18-digits", "DISC-AZ-01d", "ids beyond 2^53 are told apart", `{"a.b":["999999999999999999"]}`, "a.b", has("999999999999999998"), privilege, entry)

	asked("string-held", "DISC-AZ-02c", "a string is an id", `{"a.b":["6"]}`, "a.b", has("6"), runs)
	asked("string-missing", "DISC-AZ-02c", "and is required", `{"a.b":["6"]}`, "a.b", has("5"), privilege)
	asked("integer-held", "DISC-AZ-02c", "an integer is an id", `{"a.b":[6]}`, "a.b", has("6"), runs, table)
	asked("integer-missing", "DISC-AZ-02c", "and is required", `{"a.b":[6]}`, "a.b", has("5"), privilege, table)
	asked("string-and-integer", "DISC-AZ-02c", "both forms in one list", `{"a.b":["5",6]}`, "a.b", has("5", "6"), runs, table)
	asked("integers-elsewhere", "DISC-AZ-02c", "integers in another entry", `{"a.c":[6],"a.b":["5"]}`, "a.b", has("5"), runs, table)

	for name, names := range ordered(map[string]string{"object": `{"1":"x"}`, "string": `"x"`, "null": "null", "numbers": "[1,2]", "nested": `[["x"]]`, "empty": "[]"}) {
		asked("names-"+name+"-runs", "DISC-AZ-02d", "a malformed _NAMES changes no decision: "+names, `{"_NAMES":`+names+`,"a.b":["1"]}`, "a.b", has("1"), runs)
		asked("names-"+name+"-denied", "DISC-AZ-02d DISC-AZ-07", "a malformed _NAMES changes no decision: "+names, `{"_NAMES":`+names+`,"a.b":["1"]}`, "a.b", has("2"), privilege)
	}
	asked("without-names", "DISC-AZ-07", "a table without _NAMES denies as usual", `{"a.b":["1"]}`, "a.b", has(), privilege)
	asked("name-missing", "DISC-AZ-07", "a privilege without a name", `{"_NAMES":["zero"],"a.b":["1"]}`, "a.b", has(), privilege)
	asked("name-null", "DISC-AZ-07", "a privilege whose name is null", `{"_NAMES":[null,null],"a.b":["1"]}`, "a.b", has(), privilege)
	asked("id-far-beyond-the-names", "DISC-AZ-07 DISC-GEN-01b", "an id far beyond the names", `{"_NAMES":["zero"],"a.b":["999999999999999999"]}`, "a.b", has(), privilege)
	asked("reserved-keys", "DISC-AZ-02e", "other keys with an underscore are ignored, whatever their value", `{"_X":{},"_Y":null,"_Z":5,"a.b":[]}`, "a.b", has(), runs, table)
	asked("reserved-key-is-no-action", "DISC-AZ-02e", "they are entries of no action", `{"_X":[]}`, "_X", has(), unlisted)
	asked("underscore-with-dot", "DISC-AZ-02e", "a key with a dot is an action, also behind an underscore", `{"_meta.x":["5"]}`, "_meta.x", has("5"), runs)

	for name, list := range ordered(map[string]string{"null-last": `["6",null]`, "null-first": `[null,"6"]`, "empty-last": `["6",""]`, "null": `[null]`, "empty": `[""]`, "word": `["x"]`, "fraction": `[1.5]`, "object": `[{}]`, "array": `[[]]`, "array-of-an-id": `[["6"]]`, "to-string": `["toString"]`, "true": `[true]`, "minus-1": `[-1]`, "string-minus-1": `["-1"]`, "string-fraction": `["1.5"]`, "string-with-blank": `[" 6"]`, "string-with-plus": `["+6"]`, "string-with-nul": `["6\u0000"]`, "string-hexadecimal": `["0x6"]`, "string-with-exponent": `["6e0"]`, "other-digits": `["\u0666"]`, "list-in-a-string": `["5,6"]`}) {
		for who, privileges := range ordered(map[string][]string{"all": has("0", "1", "5", "6", "7"), "none": has()}) {
			asked("element-"+name+"-held-"+who, "DISC-AZ-03a", "an element that is no id denies every ticket: "+list, `{"a.b":`+list+`,"a.c":[]}`, "a.b", privileges, entry, table)
		}
	}
	asked("id-of-20-digits", "DISC-AZ-03a DISC-AZ-02c", "an id that no ticket can hold", `{"a.b":["18446744073709551622"]}`, "a.b", has("6"), entry, privilege, table)
	asked("integer-of-20-digits", "DISC-AZ-03a DISC-AZ-02c", "2^64+6 is not 6", `{"a.b":[18446744073709551622]}`, "a.b", has("6"), entry, privilege, table)
	asked("bad-element-elsewhere", "DISC-AZ-03a", "it denies its own action only", `{"a.b":["6",null],"a.c":["1"]}`, "a.c", has("1"), runs, table)
	for name, value := range ordered(map[string]string{"null": "null", "string": `"6"`, "object": "{}", "number": "6", "true": "true", "empty-string": `""`, "object-like-a-list": `{"length":0}`}) {
		asked("entry-"+name, "DISC-AZ-03b", "an entry that is no array denies: "+value, `{"foo.bar":`+value+`}`, "Foo.bar", has("6"), entry, table)
	}
	asked("empty-list", "DISC-AZ-03c", "an empty list requires the ticket only", `{"a.b":[]}`, "a.b", has(), runs)
	asked("unlisted", "DISC-AZ-04", "an action that is not in the table", `{"a.b":[]}`, "a.c", has("1", "2", "3"), unlisted)
	asked("unlisted-in-an-empty-table", "DISC-AZ-04", "an empty table lists nothing", `{}`, "a.b", has("1"), unlisted)
	asked("unlisted-prefix", "DISC-AZ-04", "entries are whole names", `{"a":[],"a.b":[]}`, "a.b.c", has(), unlisted)
	asked("unlisted-like-a-method", "DISC-AZ-04", "names that some languages have in every table", `{"a.b":[]}`, "constructor", has(), unlisted)
	asked("unlisted-like-a-prototype", "DISC-AZ-04", "names that some languages have in every table", `{"a.b":[]}`, "__proto__", has(), unlisted)
	for name, t := range ordered(map[string]string{"empty": "", "null": "null", "array": "[]", "string": `"x"`, "cut": `{"a.b":[]`, "text-behind": `{"a.b":[]}x`, "true": "true", "html": "<html></html>", "single-quotes": `{'a.b':[]}`, "comma-at-the-end": `{"a.b":[],}`}) {
		asked("no-table-"+name, "DISC-AZ-05b", "a reply that is no table is no table: denied", t, "a.b", has("1"), table)
	}
	g.add("no-table-brackets", "DISC-AZ-05b DISC-AZ-02e", "a reserved key whose value is 100 000 levels deep", vector{Kind: "table", Hostile: true, Table: cat(`{"a.b":[],"_X":`, times(100000, "["), times(100000, "]"), "}"), Action: "a.b", Privileges: &[]string{}, Expect: table, Tolerated: []any{runs}})
	azCalls(g)
}

// azCalls is ticket and table together.
func azCalls(g *group) {
	call := func(name, rules, title, t, action string, now int64, expect string, tolerated ...any) {
		g.add(name, rules, title, vector{Kind: "call", Ticket: text(t), Key: text(publicFile()), At: now, Table: text(`{"a.b":["3"],"a.c":[],"a.d":["4"]}`), Action: action, Expect: expect, Tolerated: tolerated})
	}
	good := ticket(goodFields)
	call("call-with-a-ticket", "DISC-AZ-01a", "a valid ticket with the privilege", good, "a.b", ticketTime, "runs")
	call("call-without-privilege", "DISC-AZ-01d", "a valid ticket without the privilege", good, "a.d", ticketTime, "denied privilege")
	call("call-with-an-authentication-ticket", "DISC-AZ-03c DISC-TKT-01b", "a ticket without privileges, and an action that needs none", ticket(sixFields), "a.c", ticketTime, "runs")
	call("call-with-empty-privileges", "DISC-TKT-06b", "an empty privileges field is no privilege", ticket(sixFields+","), "a.b", ticketTime, "denied privilege", "denied ticket")
	call("call-with-empty-privileges-that-needs-none", "DISC-TKT-06b", "an empty privileges field does no harm", ticket(sixFields+","), "a.c", ticketTime, "runs", "denied ticket")
	call("call-without-a-ticket", "DISC-AZ-01a DISC-AZ-03c", "no ticket, and an action that needs no privilege", "", "a.c", ticketTime, "denied ticket")
	call("call-with-garbage", "DISC-AZ-01a", "a ticket that is none", "garbage", "a.c", ticketTime, "denied ticket")
	call("call-with-an-expired-ticket", "DISC-AZ-01a DISC-TKT-04a", "an expired ticket with the privilege", good, "a.b", ticketTime+10000, "denied ticket")
	call("call-with-an-expired-ticket-unlisted", "DISC-TKT-04a", "the period is checked before the privileges", good, "a.x", ticketTime+10000, "denied ticket")
	call("call-with-a-forged-privilege", "DISC-AZ-01d DISC-TKT-03b", "a privilege that was added to the ticket", strings.Replace(good, "+92", "+4", 1), "a.d", ticketTime, "denied ticket")
	for action, expect := range ordered(map[string]string{"Ledger.post": "runs", "Ledger.void": "denied privilege", "Ledger.list": "runs", "Ledger.odd": "denied entry", "Ledger.close": "denied unlisted"}) {
		g.add("example-26-5-"+slug(action), "DISC-AZ-01d DISC-AZ-03a DISC-AZ-03c DISC-AZ-04", "the worked example 26.5 of the specification: "+action, vector{Kind: "call", Ticket: text(example5), Key: text(exampleKey()), At: 1760000000, Table: text(example5Table), Action: action, Expect: expect})
	}
	g.add("example-26-5-without-a-ticket", "DISC-AZ-01a", "the worked example 26.5 of the specification: no ticket", vector{Kind: "call", Ticket: text(""), Key: text(exampleKey()), At: 1760000000, Table: text(example5Table), Action: "Ledger.list", Expect: "denied ticket"})
}
