// Command arrows measures the walls inside packages: how the files of each use each other.
//
// An arrow runs from file A to file B of a package when A mentions something that B declares: a package-level name, a
// method or a field. Many mentions make one arrow. What is used without a mention, as a method by which a type implements
// an interface, makes none. Tests are left out, and so are files that the build leaves out.
//
// The files are put in the order, users above what they use, in which the fewest arrows run back up. A knot is a set of
// files that all reach each other along arrows: none of them can be moved out alone.
//
// Without arguments it prints a row for each package under the current directory, and then the files and functions there
// that are too long: if there are any, it exits with 1. Exported are package-level names, and methods of types with
// such names. Arguments are packages as `go list` takes them, whose largest knots are listed. With -back the arrows that
// run back up are listed too, with the names that cause them: these are what to cut.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

func main() {
	back := flag.Bool("back", false, "list the arrows that run back up")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *back, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "arrows:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, back bool, patterns []string) error {
	all := len(patterns) == 0
	if all {
		patterns = []string{"./..."}
	}
	graphs, err := load(ctx, patterns...)
	if err != nil {
		return err
	}
	printRows(w, graphs)
	for _, g := range graphs {
		if knot := g.knot(); !all && len(knot) > 0 {
			fmt.Fprintf(w, "\n%s: the largest knot\n  %s\n", g.path, strings.Join(knot, "\n  "))
		}
		if back {
			printBack(w, g)
		}
	}
	if !all {
		return nil
	}
	long, err := tooLong(".")
	if err == nil && len(long) > 0 {
		fmt.Fprintf(w, "\ntoo long\n  %s\n", strings.Join(long, "\n  "))
		err = fmt.Errorf("too long: %d files and functions", len(long))
	}
	return err
}

func printRows(w io.Writer, graphs []*graph) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	fmt.Fprintln(table, "files\tlines\texported\tarrows\tback up\tshare\tknot\t  package")
	for _, g := range graphs {
		back := len(g.back())
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%d\t%d %%\t%d\t  %s\n",
			len(g.files), g.lines, g.exported, len(g.arrows), back, g.share(back), len(g.knot()), g.path)
	}
}

func printBack(w io.Writer, g *graph) {
	for i, a := range g.back() {
		if i == 0 {
			fmt.Fprintf(w, "\n%s: the arrows that run back up\n", g.path)
		}
		fmt.Fprintf(w, "  %s -> %s: %s\n", g.files[a.from], g.files[a.to], strings.Join(g.names(a), ", "))
	}
}
