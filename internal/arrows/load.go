package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// listed is what `go list` says of a package.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Export     string // the file with the types of the package
	DepOnly    bool   // nobody asked for it: another one imports it
}

// load reads the packages that match the patterns, as `go list` takes them. What they import is built first, so that its
// types are known.
func load(ctx context.Context, patterns ...string) ([]*graph, error) {
	packages, err := list(ctx, patterns)
	if err != nil {
		return nil, fmt.Errorf("list the packages %v: %w", patterns, err)
	}
	exports := map[string]string{}
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	var graphs []*graph
	for _, p := range packages {
		if p.DepOnly || len(p.GoFiles) == 0 {
			continue
		}
		g, err := read(fset, imports, p)
		if err != nil {
			return nil, fmt.Errorf("read the package %s: %w", p.ImportPath, err)
		}
		graphs = append(graphs, g)
	}
	return graphs, nil
}

func list(ctx context.Context, patterns []string) ([]listed, error) {
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export,DepOnly", "--"}
	command := exec.CommandContext(ctx, "go", append(args, patterns...)...) //nolint:gosec // whoever runs this gives the patterns
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, err
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

func read(fset *token.FileSet, imports types.Importer, p listed) (*graph, error) {
	g := &graph{path: p.ImportPath, files: p.GoFiles, arrows: map[arrow]map[string]bool{}}
	var files []*ast.File
	index := map[*token.File]int{}
	for i, name := range p.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
		index[fset.File(file.Package)] = i
		g.lines += fset.File(file.Package).LineCount()
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: imports}
	pkg, err := config.Check(p.ImportPath, fset, files, info)
	if err != nil {
		return nil, err
	}
	for mention, object := range info.Uses {
		if object.Pkg() == pkg {
			g.add(arrow{index[fset.File(mention.Pos())], index[fset.File(object.Pos())]}, label(object))
		}
	}
	g.exported = exported(pkg.Scope())
	return g, nil
}

// label is the object's name, with a dot before that of a method or field.
func label(object types.Object) string {
	if object.Parent() == object.Pkg().Scope() {
		return object.Name()
	}
	return "." + object.Name()
}
