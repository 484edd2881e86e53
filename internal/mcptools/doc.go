// Package mcptools has the tools that programs with language models get of a namespace, by the Model Context Protocol: they see what
// runs, what is stored and what is stuck, and call actions if they may. Only the command line imports it.
package mcptools
