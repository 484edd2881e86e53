package dedup

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/troupe-go/troupe/codec"
)

// version is the first byte of the encoding. What programs before have written begins with a map of msgpack.
const version = 1

// minEntry is the least size of an entry: its flags, a number, a sum and no output.
const minEntry = 1 + 9 + 8 + 1

// maxDoubt bounds what is read.
const maxDoubt = 24 * time.Hour

// minCaller is the least size of a caller.
const minCaller = 8 + 1 + 1 + 1

// Decode decodes what [Answers.Append] has encoded.
func (s *Answers) Decode(encoded []byte) error {
	*s = Answers{}
	if len(encoded) > 0 && encoded[0] != version {
		return s.decodeOld(encoded)
	}
	now := time.Now()
	in := scanner{data: encoded}
	in.byte()
	for range in.count(minCaller) {
		id, floor := in.uint64(), in.uvarint()
		c := caller{floor: floor, highest: floor + in.uvarint(), idle: in.byte() + 1, at: now}
		if c.idle <= maxIdle {
			s.putCaller(id, c)
		}
	}
	if in.byte() != 0 {
		a := s.newArchive()
		a.made, a.last, a.loading = int64(in.uint64()), in.ref(), nothing
	}
	if left := min(time.Duration(min(in.uvarint(), 1<<20))*time.Second, maxDoubt); left > 0 {
		if s.archive == nil {
			s.newArchive()
		}
		s.archive.doubt = now.Add(left)
	}
	for range in.count(minEntry) {
		e := in.entry()
		if len(e.Output) > maxOutput {
			in.fail()
			break
		}
		s.add(&e, now)
	}
	s.found()
	if in.err == nil && len(in.data) > 0 {
		return errors.New("bytes after the answers")
	}
	return in.err
}

func (s *Answers) putCaller(id uint64, c caller) {
	if s.callers == nil {
		s.callers = make(map[uint64]*caller, 1)
	}
	s.callers[id] = &c
}

// Size is the number of bytes that [Answers.Append] appends, or more: zero if nothing is remembered.
func (s *Answers) Size() int64 {
	const around, eachCaller = 64, 8 + 2*binary.MaxVarintLen64 + 1
	if s == nil || len(s.callers) == 0 && len(s.about) == 0 && s.archived().last == (Ref{}) && !s.archived().inDoubt() {
		return 0
	}
	return int64(around + len(s.encoded) + eachCaller*len(s.callers))
}

// Append appends the encoding.
func (s *Answers) Append(b []byte) []byte {
	b = binary.AppendUvarint(append(b, version), uint64(len(s.callers)))
	for id, c := range s.callers {
		b = binary.AppendUvarint(binary.AppendUvarint(binary.BigEndian.AppendUint64(b, id), c.floor), c.highest-c.floor)
		b = append(b, c.idle)
	}
	if a := s.archived(); a.last == (Ref{}) {
		b = append(b, 0)
	} else {
		b = a.last.append(binary.BigEndian.AppendUint64(append(b, 1), uint64(a.made)))
	}
	doubt := time.Duration(0)
	if s.archived().inDoubt() {
		doubt = time.Until(s.archive.doubt) + time.Second
	}
	b = binary.AppendUvarint(b, uint64(doubt/time.Second))
	b = binary.AppendUvarint(b, uint64(len(s.about)))
	return append(b, s.encoded...)
}

// decodeOld decodes what programs wrote that remembered a number of answers, and not for a time.
func (s *Answers) decodeOld(encoded []byte) error {
	var found struct {
		Kept []struct {
			Caller uint64 `json:"c"`
			Number uint64 `json:"n"`
			Given  string `json:"g"`
			Output []byte `json:"o"`
			Long   bool   `json:"l"`
		} `json:"kept"`
		Callers map[uint64]*struct {
			Floor   uint64 `json:"f"`
			Highest uint64 `json:"h"`
		} `json:"callers"`
	}
	if err := codec.MsgPack.Unmarshal(encoded, &found); err != nil {
		return err
	}
	now := time.Now()
	for id, c := range found.Callers {
		if c == nil {
			return errors.New("a caller is nil")
		}
		s.putCaller(id, caller{floor: c.Floor, highest: max(c.Floor, c.Highest), at: now})
	}
	for _, a := range found.Kept {
		id := ID{Given: a.Given}
		id.Caller, id.Number = a.Caller, a.Number
		if !id.Known() {
			return errors.New("an answer is to no call")
		}
		e := entry{key: id.key(), given: id.Given != "", sum: anySum, Answer: Answer{Output: a.Output, Long: a.Long}}
		if len(a.Output) > maxOutput {
			e.Output, e.Long = nil, true
		}
		s.add(&e, now)
	}
	s.found()
	return nil
}
