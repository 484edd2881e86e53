package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"
)

// A server that takes no more connections says so and hangs up, before it has heard anything. The client library mostly
// finds only that it cannot write any more.

// refusalTimeout bounds how long a server is asked why it has hung up.
const refusalTimeout = time.Second

// maxGreeting is more than a server says before it hangs up.
const maxGreeting = 64 << 10

// explain adds to the error of a connection that could not be made what the server has said, if it has hung up.
func (d *dialer) explain(ctx context.Context, err error) error {
	hungUp := errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)
	if !hungUp || d.address == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, refusalTimeout)
	defer cancel()
	conn, dialErr := d.dial(ctx, "tcp", d.address)
	if dialErr != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(refusalTimeout))
	said, _ := io.ReadAll(io.LimitReader(conn, maxGreeting)) // what it has said before it hangs up
	_, why, ok := strings.Cut(string(said), "-ERR '")
	if why, _, _ = strings.Cut(why, "'"); !ok || why == "" {
		return err
	}
	return fmt.Errorf("the server says %q: it takes no more until it has fewer, or its limit is raised (%w)", why, err)
}
