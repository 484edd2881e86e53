package gateway

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe"
)

// places are how far a listener has come with the events of each name. As text they are the ids of the stream.
type places map[string]troupe.Position

// String is the text: NAME:EPOCH.SEQUENCE for each name, with commas.
func (p places) String() string {
	var text strings.Builder
	for _, name := range sortedNames(p) {
		if text.Len() > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, "%s:%d.%d", name, p[name].Epoch, p[name].Sequence)
	}
	return text.String()
}

func sortedNames(p places) []string {
	names := make([]string, 0, len(p))
	for name := range p {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// maxNames is how many events one may listen to at a time.
const maxNames = 8

// maxPlaces is how long the text may be: that of as many names as one may listen to.
const maxPlaces = maxNames * (troupe.MaxNameBytes + 42 + 2)

// parsePlaces reads what [places.String] has written.
func parsePlaces(text string) (places, error) {
	p := make(places)
	if text == "" {
		return p, nil
	}
	wrong := badRequest("%.60q is no id of an event, such as said:12.3", text)
	if len(text) > maxPlaces {
		return nil, wrong
	}
	for one := range strings.SplitSeq(text, ",") {
		name, position, _ := strings.Cut(one, ":")
		epoch, sequence, ok := strings.Cut(position, ".")
		e, errEpoch := strconv.ParseUint(epoch, 10, 64)
		s, errSequence := strconv.ParseUint(sequence, 10, 64)
		if _, twice := p[name]; !ok || twice || errEpoch != nil || errSequence != nil || troupe.CheckName("event", name) != nil {
			return nil, wrong
		}
		p[name] = troupe.Position{Epoch: e, Sequence: s}
	}
	return p, nil
}
