package troupe

import (
	"strconv"
	"strings"
)

// MarshalText returns the tokens of the ID, which is how an ID is encoded. The zero ID is empty.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.text), nil }

// UnmarshalText reads what MarshalText has written.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id = ID{}
	if len(text) > 0 {
		*id, err = ParseID(string(text))
	}
	return err
}

// String is the position as EPOCH.SEQUENCE: "7.12".
func (p Position) String() string {
	return strconv.FormatUint(p.Epoch, 10) + "." + strconv.FormatUint(p.Sequence, 10)
}

// MarshalText returns the String of the position, which is how a position is encoded.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText has written.
func (p *Position) UnmarshalText(text []byte) error {
	*p = Position{}
	epoch, sequence, _ := strings.Cut(string(text), ".")
	var read Position
	var errs [2]error
	read.Epoch, errs[0] = strconv.ParseUint(epoch, 10, 64)
	read.Sequence, errs[1] = strconv.ParseUint(sequence, 10, 64)
	if errs != [2]error{} || read.String() != string(text) {
		return badInput("%.50q is not a position", text)
	}
	*p = read
	return nil
}

// anyActor stands for the zero ID in the text of a gap. No actor has it.
const anyActor = "*"

// MarshalText returns the gap as its four fields with spaces between them, which is how a gap is encoded:
// "chatRoom.lobby said 7.12 7.15".
func (g Gap) MarshalText() ([]byte, error) {
	actor := g.Actor.text
	if g.Actor.IsZero() {
		actor = anyActor
	}
	return []byte(strings.Join([]string{actor, g.Event, g.After.String(), g.Before.String()}, " ")), nil
}

// UnmarshalText reads what MarshalText has written.
func (g *Gap) UnmarshalText(text []byte) error {
	*g = Gap{}
	fields := strings.Split(string(text), " ")
	if len(fields) != 4 {
		return badInput("%.50q is not a gap: it has %d fields", text, len(fields))
	}
	read := Gap{Event: fields[1]}
	if fields[0] != anyActor {
		if err := read.Actor.UnmarshalText([]byte(fields[0])); err != nil {
			return err
		}
	}
	if err := read.After.UnmarshalText([]byte(fields[2])); err != nil {
		return err
	}
	if err := read.Before.UnmarshalText([]byte(fields[3])); err != nil {
		return err
	}
	*g = read
	return nil
}
