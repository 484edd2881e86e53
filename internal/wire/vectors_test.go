package wire_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// readVectors reads a file that tests in other languages read too.
func readVectors(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile("../../docs/vectors/" + name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

func unhex(t *testing.T, digits string) string {
	t.Helper()
	data, err := hex.DecodeString(digits)
	require.NoError(t, err)
	return string(data)
}

func TestKeyVectors(t *testing.T) {
	t.Parallel()
	type vector struct {
		Comment     string
		Key, KeyHex []string
		Tokens      string
	}
	var file struct {
		Cases, RefusedKeys, RefusedTokens []vector
		Names                             []struct {
			Comment, Name string
			Valid         bool
		}
	}
	readVectors(t, "keys.json", &file)
	require.NotEmpty(t, file.Cases)
	for _, c := range file.Cases {
		key := c.Key
		for _, digits := range c.KeyHex {
			key = append(key, unhex(t, digits))
		}
		id, err := troupe.NewID("room", key...)
		require.NoError(t, err, c.Comment)
		require.Equal(t, strings.TrimSuffix("room."+c.Tokens, "."), id.Tokens(), c.Comment)
		parsed, err := troupe.ParseID(id.Tokens())
		require.NoError(t, err, c.Comment)
		require.Equal(t, strings.Join(key, "|"), strings.Join(parsed.Key(), "|"), c.Comment)
		require.Len(t, parsed.Key(), len(key), c.Comment)
	}
	for _, c := range file.RefusedKeys {
		_, err := troupe.NewID("room", c.Key...)
		require.ErrorIs(t, err, troupe.ErrBadInput, c.Comment)
	}
	for _, c := range file.RefusedTokens {
		_, err := troupe.ParseID("room." + c.Tokens)
		require.ErrorIs(t, err, troupe.ErrBadInput, c.Comment)
	}
	for _, c := range file.Names {
		require.Equal(t, c.Valid, troupe.CheckName("action", c.Name) == nil, c.Comment)
	}
}

func TestSubjectVectors(t *testing.T) {
	t.Parallel()
	var file struct {
		Cases []struct {
			Comment, Namespace, Type, Name, Host     string
			Key                                      []string
			Call, Route, Event, Queue, Forward, Ping string
		}
		Refused []struct{ Comment, Subject string }
	}
	readVectors(t, "subjects.json", &file)
	require.NotEmpty(t, file.Cases)
	for _, c := range file.Cases {
		ns, err := wire.NewNamespace(c.Namespace)
		require.NoError(t, err, c.Comment)
		id, err := troupe.NewID(c.Type, c.Key...)
		require.NoError(t, err, c.Comment)
		require.Equal(t, []string{c.Call, c.Route, c.Event, c.Queue, c.Forward, c.Ping}, []string{
			ns.Call(id, c.Name), ns.Route(id, c.Name), ns.Event(id, c.Name), ns.Queue(id, c.Name), ns.Forward(c.Host, id, c.Name), ns.Ping(c.Host),
		}, c.Comment)
		pushed, queue, ok := ns.ParseQueue(c.Queue)
		require.Equal(t, troupe.CheckName("queue", c.Name) == nil, ok, c.Comment)
		require.Equal(t, []string{id.Tokens(), c.Name}, []string{pushed.Tokens(), queue}, c.Comment)
		for _, subject := range []string{c.Call, c.Route, c.Forward} {
			target, ok := ns.ParseCall(subject)
			require.True(t, ok, c.Comment)
			require.Equal(t, wire.Target{Tokens: id.Tokens(), Action: c.Name, Forwarded: subject == c.Forward, Direct: subject == c.Call}, target, c.Comment)
		}
	}
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	for _, c := range file.Refused {
		_, ok := ns.ParseCall(c.Subject)
		require.False(t, ok, c.Comment)
	}
}

func TestHeaderVectors(t *testing.T) {
	t.Parallel()
	var file struct {
		Timeouts []struct {
			Comment, Value string
			MS             *int64
		}
		Headers []struct {
			Comment, Refused string
			Sent             [][2]string
			Read             map[string]string
		}
		Bodies []struct {
			Comment, Body, BodyHex, Reply, Header string
			Encoding                              *string
		}
		RequestIDs []struct {
			Comment, Reply string
			Number, Floor  *string
		}
		Inboxes []struct {
			Comment, Reply string
			Answered       bool
		}
		ContentTypes []struct {
			Comment         string
			Value, Encoding *string
		}
	}
	readVectors(t, "headers.json", &file)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	for _, c := range file.Timeouts {
		if err := ns.ReadHeaders(wire.Header{{Name: wire.HeaderTimeout, Value: c.Value}}); c.MS == nil {
			require.ErrorContains(t, err, wire.HeaderTimeout, c.Comment)
			continue
		}
		require.Equal(t, *c.MS, wire.ParseTimeout(c.Value).Milliseconds(), c.Comment)
	}
	for _, c := range file.Headers {
		var header wire.Header
		for _, pair := range c.Sent {
			header = append(header, wire.HeaderField{Name: pair[0], Value: pair[1]})
		}
		if err := ns.ReadHeaders(header); c.Read == nil {
			require.ErrorContains(t, err, c.Refused, c.Comment)
			continue
		}
		for _, f := range header {
			require.Contains(t, c.Read, f.Name, c.Comment)
		}
		for name, value := range c.Read {
			require.Equal(t, value, header.Get(name), c.Comment)
		}
	}
	for _, c := range file.Bodies {
		var header wire.Header
		if c.Header != "" {
			header = header.With(c.Header, "1")
		}
		as, err := wire.RequestCodec(c.Reply, header, []byte(c.Body+unhex(t, c.BodyHex)))
		require.Equal(t, c.Encoding != nil, err == nil, c.Comment)
		if err == nil {
			require.Equal(t, "application/"+*c.Encoding, as.ContentType(), c.Comment)
		}
	}
	for _, c := range file.RequestIDs {
		id, ok := wire.ParseRequestID(c.Reply)
		require.Equal(t, c.Number != nil, ok, c.Comment)
		if ok {
			require.Equal(t, []string{*c.Number, *c.Floor}, []string{strconv.FormatUint(id.Number, 10), strconv.FormatUint(id.Floor, 10)}, c.Comment)
		}
	}
	for _, c := range file.Inboxes {
		require.Equal(t, c.Answered, ns.IsInbox(c.Reply), c.Comment)
	}
	for _, c := range file.ContentTypes {
		value := ""
		if c.Value != nil {
			value = *c.Value
		}
		as, err := codec.ForContentType(value)
		require.Equal(t, c.Encoding != nil, err == nil, c.Comment)
		if err == nil {
			require.Equal(t, "application/"+*c.Encoding, as.ContentType(), c.Comment)
		}
	}
	require.NotEmpty(t, file.Timeouts)
	require.NotEmpty(t, file.Headers)
	require.NotEmpty(t, file.Bodies)
	require.NotEmpty(t, file.RequestIDs)
	require.NotEmpty(t, file.Inboxes)
	require.NotEmpty(t, file.ContentTypes)
}

func TestErrorVectors(t *testing.T) {
	t.Parallel()
	type vector struct {
		Comment       string
		Headers       map[string]string
		Body, BodyHex string
		Pending       bool
		Error         *struct {
			Code, Message        string
			Metadata             json.RawMessage
			FromActor, Retryable bool
		}
	}
	var file struct{ Written, Read []vector }
	readVectors(t, "errors.json", &file)
	require.NotEmpty(t, file.Written)
	for _, c := range append(file.Written, file.Read...) {
		reply := &nats.Msg{Header: headerOf(c.Headers), Data: []byte(c.Body + unhex(t, c.BodyHex))}
		_, pending := wire.PendingAt(reply)
		require.Equal(t, c.Pending, pending, c.Comment)
		got := wire.DecodeError(reply)
		if c.Error == nil {
			require.Nil(t, got, c.Comment)
			continue
		}
		want := troupe.Error{Code: troupe.Code(c.Error.Code), Message: c.Error.Message, FromActor: c.Error.FromActor, Retryable: c.Error.Retryable}
		require.NoError(t, codec.JSON.Unmarshal(c.Error.Metadata, &want.Metadata), c.Comment)
		require.Equal(t, &want, got, c.Comment)
	}
	for _, c := range file.Written {
		as, err := codec.ForContentType(c.Headers[wire.HeaderContentType])
		require.NoError(t, err, c.Comment)
		reply := &nats.Msg{Header: headerOf(c.Headers), Data: []byte(c.Body + unhex(t, c.BodyHex))}
		written, lost := wire.EncodeError(wire.DecodeError(reply), as, maxPayload)
		require.NoError(t, lost, c.Comment)
		require.Equal(t, reply.Header, written.Header, c.Comment)
		require.Equal(t, reply.Data, written.Data, c.Comment)
	}
}

func headerOf(values map[string]string) nats.Header {
	header := nats.Header{}
	for name, value := range values {
		header[name] = []string{value}
	}
	return header
}
