package stage

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-go/troupe/bus"
)

type flags struct {
	serve, quiet bool
	listen, data string
	probes       string
}

const usage = `%s plays a scene with its actors, prints what happened and ends.

  --serve         keep running, so that others can call the actors
  --quiet         with --serve: play no scene, just run the actors
  --listen ADDR   with --serve: where the NATS server of this process listens
                  ($TROUPE_LISTEN, else %s)
  --probes ADDR   with --serve: where to answer /livez and /readyz
                  ($TROUPE_PROBES, else nowhere)
  --data DIR      where that server keeps its data
                  ($TROUPE_DATA, else a directory of this user and program)

With NATS_URL set the actors run on that server, and no other is started.
`

// usageError is about the command line, and not about the program.
type usageError struct{ error }

// parse reads the command line. It has written the help text when the error is flag.ErrHelp. Any other is a usageError.
func parse(args []string, help io.Writer) (flags, error) {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard) // the caller reports errors
	var f flags
	set.BoolVar(&f.serve, "serve", false, "")
	set.BoolVar(&f.quiet, "quiet", false, "")
	set.StringVar(&f.listen, "listen", "", "")
	set.StringVar(&f.data, "data", "", "")
	set.StringVar(&f.probes, "probes", "", "")
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(help, usage, name, defaultListen())
	case err != nil:
	case set.NArg() > 0:
		err = fmt.Errorf("%q is not expected", set.Arg(0))
	case (f.quiet || f.listen+f.probes != "") && !f.serve:
		err = errors.New("--quiet, --listen and --probes go with --serve")
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		err = usageError{fmt.Errorf("%s: %w (see: %s --help)", name, err, name)}
	}
	return f, err
}

// complete completes what the environment says. A program that runs and ends takes any free port, one that serves has
// to be found.
func (f flags) complete(o *bus.Config) {
	o.Server.DataDir = cmp.Or(f.data, o.Server.DataDir)
	if f.serve {
		o.Server.Listen = cmp.Or(f.listen, o.Server.Listen, defaultListen())
	}
}

// defaultListen is where every NATS client looks first.
func defaultListen() string {
	u, err := url.Parse(bus.DefaultURL)
	if err != nil {
		return ""
	}
	return u.Host
}
