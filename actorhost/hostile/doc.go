// Package hostile has tests in which one tenant does its worst while another measures: `make hostile`.
package hostile
