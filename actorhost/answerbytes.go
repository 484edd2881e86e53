package actorhost

import "github.com/troupe-go/troupe/codec"

// The answers of an actor are written with every change of it, so their msgpack is put together by hand: that takes a
// tenth of the time which a codec takes to find out what they are.

// append appends the encoding, as a codec would make it.
func (s *storedAnswers) append(b []byte) []byte {
	fields := 2
	if s.Forgetful {
		fields++
	}
	b = codec.AppendMap(b, fields)
	b = codec.AppendArray(codec.AppendString(b, "kept"), len(s.Kept))
	for i := range s.Kept {
		b = s.Kept[i].append(b)
	}
	b = codec.AppendMap(codec.AppendString(b, "callers"), len(s.Callers))
	for id, c := range s.Callers {
		b = c.append(codec.AppendUint(b, id))
	}
	if s.Forgetful {
		b = codec.AppendTrue(codec.AppendString(b, "forgetful"))
	}
	return b
}

func (a *answer) append(b []byte) []byte {
	at, fields := len(b), 0
	b = codec.AppendMap(b, 0)
	field := func(name string) {
		fields++
		b = codec.AppendString(b, name)
	}
	if a.Number != 0 {
		field("c")
		b = codec.AppendUint(b, a.Caller)
		field("n")
		b = codec.AppendUint(b, a.Number)
	}
	if a.Given != "" {
		field("g")
		b = codec.AppendString(b, a.Given)
		field("s")
		b = codec.AppendUint(b, uint64(a.Sum))
	}
	if len(a.Output) > 0 {
		field("o")
		b = codec.AppendBytes(b, a.Output)
	}
	if a.Long {
		field("l")
		b = codec.AppendTrue(b)
	}
	codec.AppendMap(b[:at], fields)
	return b
}

func (c *caller) append(b []byte) []byte {
	b = codec.AppendMap(b, 3)
	b = codec.AppendUint(codec.AppendString(b, "f"), c.Floor)
	b = codec.AppendUint(codec.AppendString(b, "h"), c.Highest)
	return codec.AppendUint(codec.AppendString(b, "l"), c.Lost)
}
