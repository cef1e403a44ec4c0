package ticket

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Why a call with a valid ticket, or without one, is denied (DISC-AZ).
var (
	// ErrUnlisted: the table does not know the action (DISC-AZ-04).
	ErrUnlisted = errors.New("the action is not in the authorisation table")
	// ErrUnusable: the table's entry for the action makes no sense (DISC-AZ-03).
	ErrUnusable = errors.New("the action's entry in the authorisation table is malformed")
	// ErrNoTable: no table could be fetched (DISC-AZ-05b).
	ErrNoTable = errors.New("there is no authorisation table")
)

// A PrivilegeError says that a ticket lacks a privilege.
type PrivilegeError struct {
	Privilege uint64
	Name      string // of the privilege, where the table has one
}

func (e *PrivilegeError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("privilege %d is missing", e.Privilege)
	}
	return fmt.Sprintf("privilege %d (%s) is missing", e.Privilege, e.Name)
}

// A Table says which privileges actions need. It does not change.
type Table struct {
	actions map[string][]uint64 // by full name in ASCII lower case; nil: unusable
	names   []string            // of privileges, by id; for texts only
}

// maxTable bounds the text of a table, in octets.
const maxTable = 16 << 20

// ParseTable reads the reply of Auth.getAuthzTable. A table that is not a JSON object is an error; an entry that makes no
// sense denies its own action only (DISC-AZ-02, DISC-AZ-03).
func ParseTable(text []byte) (*Table, error) {
	if len(text) > maxTable {
		return nil, fmt.Errorf("%w: it has %d octets, more than %d", ErrNoTable, len(text), maxTable)
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTable, err)
	}
	if entries == nil {
		return nil, fmt.Errorf("%w: it is null", ErrNoTable)
	}
	t := &Table{actions: map[string][]uint64{}}
	for name, value := range entries {
		switch {
		case name == "_NAMES":
			t.names = names(value)
		case strings.HasPrefix(name, "_") && !strings.Contains(name, "."): // reserved (DISC-AZ-02e)
		default:
			t.actions[name] = privileges(value)
		}
	}
	return t, nil
}

// names reads _NAMES; a malformed one has no names (DISC-AZ-02d).
func names(value json.RawMessage) []string {
	var list []any
	if json.Unmarshal(value, &list) != nil {
		return nil
	}
	found := make([]string, len(list))
	for i, n := range list {
		found[i], _ = n.(string)
	}
	return found
}

// privileges reads the list of an action; nil is a list that cannot be used. Decimal strings and integers name the same
// privileges (DISC-AZ-02c).
func privileges(value json.RawMessage) []uint64 {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) != nil || list == nil {
		return nil
	}
	ids := make([]uint64, 0, len(list))
	for _, element := range list {
		text := string(bytes.TrimSpace(element))
		if strings.HasPrefix(text, `"`) {
			var s string
			if json.Unmarshal(element, &s) != nil {
				return nil
			}
			text = s
		}
		id, ok := number(text)
		if !ok {
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

// Check says whether a ticket may call an action: nil, or why not. action is the real full name, in any case; t must be
// a valid ticket (DISC-AZ-01).
func (x *Table) Check(action string, t *Ticket) error {
	ids, listed := x.actions[lower(action)]
	switch {
	case !listed:
		return ErrUnlisted
	case ids == nil:
		return ErrUnusable
	}
	for _, id := range ids {
		if !t.Holds(id) {
			return &PrivilegeError{Privilege: id, Name: x.name(id)}
		}
	}
	return nil
}

func (x *Table) name(id uint64) string {
	if id < uint64(len(x.names)) {
		return x.names[id]
	}
	return ""
}

// lower folds ASCII letters.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// Privileges returns the ids of a list such as "3,14", for commands. It fails for what is no id.
func Privileges(list string) (ids []uint64, err error) {
	for p := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == '+' || r == ' ' }) {
		id, ok := number(p)
		if !ok {
			return nil, fmt.Errorf("%s is no privilege: an id has 1 to %d digits", strconv.Quote(p), maxDigits)
		}
		ids = append(ids, id)
	}
	return ids, nil
}
