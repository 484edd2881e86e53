package main

import (
	"go/token"
	"go/types"
	"slices"
)

// exported counts the exported names of a package, and the exported methods that its exported types declare.
func exported(scope *types.Scope) int {
	count := 0
	for _, name := range scope.Names() {
		if !token.IsExported(name) {
			continue
		}
		count++
		for _, method := range methods(scope.Lookup(name)) {
			if method.Exported() {
				count++
			}
		}
	}
	return count
}

func methods(object types.Object) []*types.Func {
	declared, isType := object.(*types.TypeName)
	if !isType || declared.IsAlias() {
		return nil
	}
	if i, ok := declared.Type().Underlying().(*types.Interface); ok {
		return slices.Collect(i.ExplicitMethods())
	}
	return slices.Collect(declared.Type().(*types.Named).Methods())
}
