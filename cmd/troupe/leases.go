package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/store"
)

// hostsUp are the hosts that have a lease, by their ids.
func (e env) hostsUp(ctx context.Context, nc *nats.Conn) (map[string]store.HostEntry, error) {
	if ok, err := e.hasBucket(ctx, nc, "hosts"); !ok || err != nil {
		return nil, err
	}
	leases, err := store.OpenHosts(ctx, nc, e.namespace, 0)
	if err != nil {
		return nil, err
	}
	hosts := make(map[string]store.HostEntry)
	for host, err := range leases.List(ctx) {
		if err != nil {
			return nil, fmt.Errorf("listing the hosts: %w", err)
		}
		hosts[host.ID] = host
	}
	return hosts, nil
}

// hasBucket reports whether there is a bucket that a host has made. Package bus makes what it is told to open, which a
// look at a namespace, perhaps a misspelt one, must not do.
func (e env) hasBucket(ctx context.Context, nc *nats.Conn, name string) (bool, error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(e.timeout))
	if err != nil {
		return false, fmt.Errorf("using JetStream: %w", err)
	}
	bucket := e.namespace.Name() + "-" + name
	_, err = js.KeyValue(ctx, bucket)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, jetstream.ErrBucketNotFound):
		return false, nil
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		return false, fmt.Errorf("the NATS server has no JetStream for this account, so it can hold no actors: %w", err)
	}
	return false, fmt.Errorf("opening the bucket %s: %w", bucket, err)
}

// lookAgain is the pause between two looks at the lease of a host that drains.
const lookAgain = 50 * time.Millisecond

// awaitEnd waits until a host has no lease any more.
func (e env) awaitEnd(ctx context.Context, nc *nats.Conn, host string, wait time.Duration) error {
	leases, err := store.OpenHosts(ctx, nc, e.namespace, 0)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		_, up, err := leases.Revision(ctx, host)
		switch {
		case err == nil && !up:
			return nil
		case err != nil && ctx.Err() == nil:
			return fmt.Errorf("waiting for the host %s: %w", host, err)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the host %s: %w", host, ctx.Err())
		}
	}
}
