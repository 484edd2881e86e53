package actorhost_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
)

// hostileCase is a message and what it is answered with.
type hostileCase struct {
	name    string
	subject string
	reply   string // "" for an inbox of the wire, "none" for none, or a subject with INBOX in it
	header  string // lines
	body    func() []byte
	want    string // the code of the error, "ok", a status or error of NATS, or "" for no answer
}

func (c hostileCase) size() int { return len(c.subject) + len(c.header) + len(c.body()) }

const (
	asJSON = "Content-Type: application/json\r\n"
	toA    = "troupe.route.probe.a."

	noResponders = "503"
	noSubject    = "-ERR 'Invalid Publish Subject'"
)

func raw(digits string) func() []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		panic(err)
	}
	return func() []byte { return b }
}

func text(s string) func() []byte { return func() []byte { return []byte(s) } }

func repeated(before, s string, times int, after string) func() []byte {
	return func() []byte {
		return append(append([]byte(before), bytes.Repeat([]byte(s), times)...), after...)
	}
}

func hostileCases(host string) []hostileCase {
	var all []hostileCase
	for _, group := range [][]hostileCase{hostileMsgpack(), hostileJSON(), hostileSubjects(host), hostileHeaders(), hostileReplies(host)} {
		all = append(all, group...)
	}
	return all
}

func hostileMsgpack() []hostileCase {
	var all []hostileCase
	add := func(name, action string, body func() []byte, want string) {
		all = append(all, hostileCase{"msgpack: " + name, toA + action, "", "", body, want})
	}
	for name, digits := range map[string]string{
		"array bomb": "dd ffffffff", "map bomb": "df ffffffff", "bytes bomb": "c6 ffffffff", "text bomb": "db ffffffff",
		"extension bomb": "c9 ffffffff ff", "array16 bomb": "dc ffff", "map16 bomb": "de ffff", "reserved code": "c1",
		"bomb in a list": "91 dd ffffffff", "bomb in a map": "81 a161 df ffffffff", "cut": "92 01", "two values": "01 01",
		"timestamp out of range": "c7 0c ff ffffffff 7fffffffffffffff", "timestamp too short": "d4 ff 00",
	} {
		for _, action := range []string{"any", "list", "item", "int", "text", "bytes", "time", "ref"} {
			add(name+" for "+action, action, raw(digits), "bad_input")
		}
	}
	add("text for nothing", "none", text("[1]"), "bad_input")
	add("a number in JSON", "int", text("15"), "ok") // each byte would be a value
	add("a number in JSON with a line end", "int", text("5\n"), "ok")
	add("an item in JSON", "item", text(`{"count":1}`), "ok")
	add("an item in JSON after a line end", "item", text("\r\n{}"), "ok")
	add("a digit", "int", text("5"), "bad_input")
	add("a letter, which is a number", "int", text("a"), "ok")
	add("nil for a value", "int", raw("c0"), "bad_input")
	add("nil for a list", "list", raw("c0"), "ok")
	add("an entry twice", "any", raw("82 a161 01 a161 02"), "bad_input")
	add("a field twice", "item", raw("82 a46e616d65 a0 a46e616d65 a0"), "bad_input")
	add("a key that is no text", "any", raw("81 01 01"), "bad_input")
	add("a field that is no text", "item", raw("81 01 01"), "bad_input")
	add("an unknown extension", "any", raw("d4 05 00"), "bad_input")
	add("nothing", "int", raw(""), "bad_input")
	add("something for nothing", "none", raw("01"), "bad_input")
	add("a negative for an unsigned", "small", raw("ff"), "bad_input")
	add("256 for a byte", "small", raw("cd 0100"), "bad_input")
	add("a text for a number", "int", raw("a161"), "bad_input")
	add("a number for a text", "text", raw("01"), "bad_input")
	add("bytes for a text", "text", raw("c4 01 61"), "bad_input")
	add("a text for bytes", "bytes", raw("a161"), "bad_input")
	add("a list for an item", "item", raw("90"), "bad_input")
	add("an item for a list", "list", raw("80"), "bad_input")
	add("half a number", "int", raw("cb 3fe0000000000000"), "bad_input")
	add("no number", "int", raw("cb 7ff8000000000000"), "bad_input")
	add("infinity", "int", raw("cb 7ff0000000000000"), "bad_input")
	add("2^63", "int", raw("cf 8000000000000000"), "bad_input")
	add("2^53 as JavaScript has it", "int", raw("cb 4340000000000000"), "ok")
	add("a reference that is none", "ref", raw("a3 2e2e2e"), "bad_input")
	add("a reference of 1 MB", "ref", repeated("\xdb\x00\x10\x00\x00", "a.", 512<<10, ""), "bad_input")
	add("a map as an empty item", "item", raw("80"), "ok")
	add("1 MB of lists in lists", "any", repeated("", "\x91", 1<<20, ""), "bad_input")
	add("8 MB of lists in lists", "any", repeated("", "\x91", 8<<20-1024, ""), "bad_input")
	add("1 MB of maps in maps", "any", repeated("", "\x81\xa1a", 350_000, ""), "bad_input")
	add("1 MB of nesting in what is not known", "item", repeated("\x81\xa1z", "\x91", 1<<20, ""), "bad_input")
	add("65 levels", "any", repeated("", "\x91", 65, "\x01"), "bad_input")
	add("64 levels", "any", repeated("", "\x91", 64, "\x01"), "ok")
	add("a linked list of 1 MB", "item", repeated("", "\x81\xa4next", 170_000, "\x80"), "bad_input")
	add("1,000,000 empty items", "list", repeated("\xdd\x00\x0f\x42\x40", "\x80", 1_000_000, ""), "bad_input")
	add("1 MB of nil", "any", repeated("\xdd\x00\x0f\x00\x00", "\xc0", 0x0f0000, ""), "ok")
	add("8 MB of bytes", "bytes", repeated("\xc6\x00\x7f\x00\x00", "x", 0x7f0000, ""), "ok")
	add("8 MB of junk", "any", repeated("\xc1", "x", 8<<20-1024, ""), "bad_input")
	add("8 MB for nothing", "none", repeated("", "x", 8<<20-1024, ""), "bad_input")
	return all
}

func hostileJSON() []hostileCase {
	var all []hostileCase
	add := func(name, action string, body func() []byte, want string) {
		all = append(all, hostileCase{"json: " + name, toA + action, "", asJSON, body, want})
	}
	for _, body := range []string{"", "{", "[", "1 2", "nul", "\x00", "\xff", "{\"name\":}", "\"\\ud800", "1e", "--1", "[1,]", "{\"count\":-1}", "NaN"} {
		add(fmt.Sprintf("%q", body), "item", text(body), "bad_input")
	}
	add("null", "item", text("null"), "bad_input")
	add("a fraction", "int", text("1.5"), "bad_input")
	add("2^63", "int", text("9223372036854775808"), "bad_input")
	add("a negative for an unsigned", "small", text("-1"), "bad_input")
	add("256 for a byte", "small", text("256"), "bad_input")
	add("something for nothing", "none", text("{}"), "bad_input")
	add("null for nothing", "none", text(" null "), "ok")
	add("no base64", "bytes", text(`"*"`), "bad_input")
	add("no time", "time", repeated(`"`, "x", 1<<20, `"`), "bad_input")
	add("no reference", "ref", repeated(`"`, "a.", 512<<10, `"`), "bad_input")
	add("1 MB of digits for a number", "int", repeated("", "1", 1<<20, ""), "bad_input")
	add("1 MB of digits", "any", repeated("", "1", 1<<20, ""), "bad_input")
	add("1 MB of lists in lists", "any", repeated("", "[", 1<<20, ""), "bad_input")
	add("1 MB of maps in maps", "any", repeated("", `{"a":`, 200_000, ""), "bad_input")
	add("1 MB of nesting in what is not known", "item", repeated(`{"z":`, "[", 1<<20, ""), "bad_input")
	add("65 levels", "any", func() []byte { return []byte(strings.Repeat("[", 65) + strings.Repeat("]", 65)) }, "bad_input")
	add("64 levels", "any", func() []byte { return []byte(strings.Repeat("[", 64) + strings.Repeat("]", 64)) }, "ok")
	add("brackets in a text", "any", func() []byte { return []byte(`"\"` + strings.Repeat("[", 100) + `\\"`) }, "ok")
	add("too large a number 9,000 levels down", "any", func() []byte {
		step := `{"` + strings.Repeat("k", 50) + `":`
		return []byte(strings.Repeat(step, 9000) + "1e999" + strings.Repeat("}", 9000))
	}, "bad_input")
	add("a text of 1 MB for a number", "int", repeated(`"`, "x", 1<<20, `"`), "bad_input")
	return all
}

func hostileSubjects(host string) []hostileCase {
	var all []hostileCase
	add := func(subject, want string) {
		name := subject
		if len(name) > 60 {
			name = name[:60] + "..."
		}
		c := hostileCase{"subject: " + name, subject, "", "", raw("01"), want}
		if strings.HasPrefix(subject, "troupe.host."+host+".call.") {
			c.reply, c.header = "none", "Troupe-Reply-To: INBOX.x\r\n"
		}
		all = append(all, c)
	}
	for _, kind := range []string{"troupe.route.", "troupe.host." + host + ".call."} {
		add(kind+"probe.int", "ok") // the actor without a key
		add(kind+"probe.a.unknown", "unknown_action")
		add(kind+"probe.a.int.a", "unknown_action") // the key ["a", "int"]
		add(kind+"probe.a.*", noSubject)
		add(kind+"probe.a.>", noSubject)
		add(kind+"probe.*.int", noSubject)
		add(kind+"probe.>.int", noSubject)
		add(kind+"probe.=.int", "ok") // the empty part
		add(kind+"probe.==.int", "bad_input")
		add(kind+"probe.=2.int", "bad_input")
		add(kind+"probe.=2e.int", "bad_input") // lower case
		add(kind+"probe.=61.int", "bad_input") // another spelling of a
		add(kind+"probe.=2E.int", "ok")
		add(kind+"probe.=00=FF=0A.int", "ok")
		add(kind+"probe.a/b.int", "bad_input")
		add(kind+"probe.\x01.int", "bad_input")
		add(kind+"probe.\xff\xfe.int", "bad_input")
		add(kind+"probe.é.int", "bad_input")
		add(kind+"probe.$KV.int", "bad_input")
		add(kind+"probe.=E6=97=A5.int", "ok")
		add(kind+"probe"+strings.Repeat(".x", 16)+".int", "ok")
		add(kind+"probe"+strings.Repeat(".x", 17)+".int", "bad_input")
		add(kind+"probe"+strings.Repeat(".x", 1500)+".int", "bad_input")
		add(kind+"probe."+strings.Repeat("=F6", 1024)+".int", "ok")
		add(kind+"probe."+strings.Repeat("=F6", 1025)+".int", "bad_input")
		add(kind+"probe.a."+strings.Repeat("x", 3000), "unknown_action")
	}
	add("troupe.route.nobody.a.int", noResponders)
	add("troupe.route.probe", noResponders)
	add("troupe.route.probe..int", noSubject)
	add("troupe.call.probe.asleep.int", noResponders)
	add("troupe.host."+host+".call.nobody.a.int", "unknown_type")
	add("troupe.host."+host+".call", "bad_input")
	add("troupe.host."+host+".pong", "bad_input")
	add("troupe.host."+host+".a.b.c", "bad_input")
	add("troupe.host."+host+".ping", "ok")
	return all
}

func hostileHeaders() []hostileCase {
	var all []hostileCase
	add := func(name, header, want string) {
		all = append(all, hostileCase{"header: " + name, toA + "int", "", header, raw("01"), want})
	}
	for _, value := range []string{"", "x", "1e9", "99999999999999999999", "-", "+5", "500ms", "1.5", "0x10", strings.Repeat("9", 1<<20), "\x00"} {
		add(fmt.Sprintf("time %.20q", value), "Troupe-Timeout: "+value+"\r\n", "bad_input")
	}
	for _, value := range []string{"5000", "9223372036854775807", "9999999999999999999"} {
		add("time "+value, "Troupe-Timeout: "+value+"\r\n", "ok")
	}
	for _, value := range []string{"0", "-1", "-9223372036854775808"} {
		add("time "+value, "Troupe-Timeout: "+value+"\r\n", "deadline_exceeded")
	}
	for _, value := range []string{"", "0", "00", "-1", "x", "99999999999999999999", strings.Repeat("9", 1<<20)} {
		add(fmt.Sprintf("attempt %.20q", value), "Troupe-Attempt: "+value+"\r\n", "bad_input")
	}
	for _, value := range []string{"", "maybe", "true", "2"} {
		add(fmt.Sprintf("existing %q", value), "Troupe-Existing: "+value+"\r\n", "bad_input")
	}
	add("existing 0", "Troupe-Existing: 0\r\n", "ok")
	add("an attempt", "Troupe-Attempt: 1\r\n", "ok")
	add("a connection that is no name", "Troupe-Connection: a b\r\n", "bad_input")
	add("an inbox that is none", "Troupe-Inbox: $KV.x\r\n", "bad_input")
	for _, value := range []string{"text/plain", ";", "json", "application/json; Charset=latin1", strings.Repeat("j", 1<<20), "\xff", "application/json\x00"} {
		add(fmt.Sprintf("content type %.20q", value), "Content-Type: "+value+"\r\n", "bad_input")
	}
	add("a request id of 257 bytes", "Troupe-Request-Id: "+strings.Repeat("i", 257)+"\r\n", "bad_input")
	add("a request id of 1 MB", "Troupe-Request-Id: "+strings.Repeat("i", 1<<20)+"\r\n", "bad_input")
	add("a request id of other bytes", "Troupe-Request-Id: \x01\xff\u2028\r\n", "bad_input")
	add("no request id", "Troupe-Request-Id:\r\n", "bad_input")
	add("a chain of commas", "Troupe-Chain: "+strings.Repeat(",", 1<<20)+"\r\n", "bad_input")
	add("a chain of 1 MB of one actor", "Troupe-Chain: "+strings.Repeat("x", 1<<20)+"\r\n", "bad_input")
	add("a chain with the actor", "Troupe-Chain: probe.a\r\n", "call_cycle")
	add("a chain with the actor after 1 MB", "Troupe-Chain: "+strings.Repeat("x", 1<<20)+",probe.a\r\n", "bad_input")
	add("a chain of 64", "Troupe-Chain: x"+strings.Repeat(",x", 63)+"\r\n", "chain_too_long")
	add("a chain of other bytes", "Troupe-Chain: \xff\x00 .>*,\r\n", "bad_input")
	add("no colon", "Troupe-Timeout\r\n", "ok") // the block is not valid and counts as none
	add("no end", "Troupe-Timeout: 5", "ok")
	add("no name", ": x\r\n", "ok")
	add("other lines", "\r\n\r\n\x00\r\n", "ok")
	add("a status", "Status: 503\r\n", "ok")
	add("a type in lower case", "content-type: x\r\n", "bad_input")
	add("a time in lower case", "troupe-timeout: 0\r\n", "deadline_exceeded")
	add("two times", "Troupe-Timeout: 5000\r\nTroupe-Timeout: 6000\r\n", "bad_input")
	add("two times in two cases", "Troupe-Timeout: 5000\r\nTROUPE-TIMEOUT: 6000\r\n", "bad_input")
	add("a time twice", "Troupe-Timeout: 5000\r\ntroupe-Timeout: 5000\r\n", "ok")
	add("an answer", "Troupe-Pending: 1\r\nTroupe-Released: 1\r\nTroupe-Error-Code: internal\r\nNats-Service-Error: x\r\n", "ok")
	add("where to answer, on a route", "Troupe-Reply-To: troupe.route.probe.victim.none\r\n", "ok")
	add("names that are not ours", "troupe-other: x\r\nNats-Trace-Dest: y\r\n", "ok")
	add("20,000 names", strings.Repeat("X: y\r\n", 20_000), "ok")
	add("1 MB of values", strings.Repeat("Troupe-Chain: x\r\n", 60_000), "ok")
	add("8 MB", "X: "+strings.Repeat("y", 8<<20-1024)+"\r\n", "ok")
	return all
}

func hostileReplies(host string) []hostileCase {
	var all []hostileCase
	add := func(name, subject, reply, header, want string) {
		all = append(all, hostileCase{"reply: " + name, subject, reply, header, raw("01"), want})
	}
	add("none", toA+"int", "none", "", "")
	add("none, for an error", toA+"unknown", "none", "", "")
	add("none, for a wrong body", toA+"text", "none", "", "")
	add("none, for a ping", "troupe.host."+host+".ping", "none", "", "")
	add("none, for a forward", "troupe.host."+host+".call.probe.a.int", "none", "", "")
	for _, id := range []string{
		"1.1", "0.0", "1.2", "3w5e11264sgsf.3w5e11264sgsf", "3w5e11264sgsg.1", "zzzzzzzzzzzzzzzzzzzzzz.1", "-1.-1", "1.zzzzzzzzzzzzzzzzzzzz", "Z.Z", "1_0.1", ".1.1", "é.1",
	} {
		add("id "+id, toA+"any", "INBOX.id."+strings.TrimPrefix(id, "."), "", "ok")
	}
	forward := "troupe.host." + host + ".call.probe.a.int"
	add("a forward with an inbox", forward, "none", "Troupe-Reply-To: INBOX.x\r\n", "ok")
	for name, to := range map[string]string{
		"a space": "INBOX. x", "two subjects": "INBOX.x troupe.route.probe.b.none", "10 KB": "INBOX." + strings.Repeat("x", 10<<10),
		"1 MB": "INBOX." + strings.Repeat("x", 1<<20), "nothing": "",
	} {
		add("a forward to "+name, forward, "none", "Troupe-Reply-To: "+to+"\r\n", "")
	}
	for _, to := range []string{
		"$KV.troupe-actors.probe.a", "$JS.API.STREAM.DELETE.KV_troupe-actors", "$JS.API.STREAM.PURGE.KV_troupe-hosts",
		"troupe.route.probe.a.int", "troupe.call.probe.a.int", "troupe.event.probe.a.happened",
		"troupe.host." + host + ".call.probe.a.int", "troupe.host." + host + ".ping", "troupe.host." + host + ".other",
	} {
		want := ""
		if strings.HasPrefix(to, "$JS.") { // the server refuses these itself; a header still gets to the host
			want = fmt.Sprintf("-ERR 'Permissions Violation for Publish with Reply of %q'", to)
		}
		add(to, toA+"none", to, "", want)
		add(to+" for a ping", "troupe.host."+host+".ping", to, "", want)
		add(to+" for a forward", forward, to, "", want)
		add(to+" by a forward", forward, "none", "Troupe-Reply-To: "+to+"\r\n", "")
	}
	return all
}
