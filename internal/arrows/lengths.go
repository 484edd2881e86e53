package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
)

const (
	maxFileLines     = 400
	maxFunctionLines = 60 // between its braces; tests may be longer, for they hold tables
)

// tooLong returns a line for each Go file under dir, and each function, that has more lines than it may. It looks at tests
// and at what build tags leave out as well.
func tooLong(dir string) ([]string, error) {
	var long []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == "node_modules" {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		here, err := tooLongIn(path)
		long = append(long, here...)
		return err
	})
	return long, err
}

func tooLongIn(path string) ([]string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var long []string
	if lines := fset.File(file.Package).LineCount(); lines > maxFileLines {
		long = append(long, fmt.Sprintf("%s: %d lines", path, lines))
	}
	if strings.HasSuffix(path, "_test.go") {
		return long, nil
	}
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || function.Body == nil {
			continue
		}
		first, last := fset.Position(function.Body.Lbrace), fset.Position(function.Body.Rbrace)
		if lines := last.Line - first.Line - 1; lines > maxFunctionLines {
			long = append(long, fmt.Sprintf("%s: %s has %d lines", first, function.Name.Name, lines))
		}
	}
	return long, nil
}
