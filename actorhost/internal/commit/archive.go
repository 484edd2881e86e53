package commit

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
)

// firstArchiveAgain and lastArchiveAgain are the pauses before answers are sent to the archive again.
const firstArchiveAgain, lastArchiveAgain = 100 * time.Millisecond, 5 * time.Second

// Full reports whether the answer to a call could not be remembered: see [Gate.MakeRoom].
func (g *Gate) Full(c *call.Call) bool {
	switch {
	case c.ID.Given != "" && g.host.Tables.Full():
		return true
	case !c.ID.Known() || g.parts == nil:
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.parts.Answers().Full(c.ID)
}

// MakeRoom waits for room for the answer to a call, while answers are on their way to the archive. Otherwise the call must
// not start: the error is why.
func (g *Gate) MakeRoom(ctx context.Context, c *call.Call) *troupe.Error {
	if c.ID.Given != "" && g.host.Tables.Full() {
		return errs.Overloaded("the host of %s remembers as many request ids as it may", g.actor.ID())
	}
	if err := g.load(ctx); err != nil {
		return g.noArchive(err)
	}
	g.mu.Lock()
	block := g.nextBlock()
	g.mu.Unlock()
	g.archive(block)
	g.mu.Lock()
	defer g.mu.Unlock()
	for answers := g.parts.Answers(); answers.Full(c.ID); g.moved.wait(&g.mu) {
		if refused := g.host.Archive.Refused(); refused != nil && !g.asked && !answers.Archiving() {
			return errs.Unavailable("%s has more answers to remember than it may: %v", g.actor.ID(), refused)
		}
		if !g.asked && !answers.Archiving() {
			return errs.Overloaded("%s has more answers to remember than it may: the archive takes none", g.actor.ID())
		}
	}
	return nil
}

func (g *Gate) noArchive(err error) *troupe.Error {
	return errs.Unavailable("the archive of the answers of %s: %v", g.actor.ID(), err)
}

// nextBlock returns what is to be sent to the archive. The caller holds g.mu, and calls archive once it has let it go.
func (g *Gate) nextBlock() []byte {
	if a := g.parts.Answers(); a != nil && g.host.Archive != nil && g.closed == nil && !g.left {
		return a.Block()
	}
	return nil
}

// archive sends a block to the archive, if there is one, and does not wait. Only answers that are stored are in it, so it
// may arrive late, or twice.
func (g *Gate) archive(block []byte) { g.archiveAgain(block, firstArchiveAgain) }

func (g *Gate) archiveAgain(block []byte, again time.Duration) {
	if block == nil {
		return
	}
	done := func(ref store.Ref, err error) {
		if err != nil {
			g.host.Go(func() { g.notArchived(err, again) })
			return
		}
		g.host.Faults.Works(archiving)
		g.mu.Lock()
		g.parts.Answers().Sent(dedup.Ref{Sequence: ref.Sequence, Offset: ref.Offset}, ref.Made)
		g.countTables()
		next := g.nextBlock()
		g.moved.broadcast()
		g.mu.Unlock()
		g.archive(next)
	}
	if !faults.Archiving {
		done(store.Ref{Made: 1, Sequence: 1}, nil)
		return
	}
	if err := g.host.Archive.Append(block, done); err != nil {
		g.notArchived(err, again)
	}
}

// notArchived sends what could not be sent again after a pause, unless somebody else has.
func (g *Gate) notArchived(err error, again time.Duration) {
	if g.host.Ctx.Err() == nil { // a host that stops leaves them in the record
		g.failed(archiving, err)
	}
	g.mu.Lock()
	g.parts.Answers().NotSent(again)
	g.moved.broadcast()
	g.mu.Unlock()
	if !pause.For(g.host.Ctx, again) {
		return
	}
	g.mu.Lock()
	next := g.nextBlock()
	g.mu.Unlock()
	g.archiveAgain(next, min(2*again, lastArchiveAgain))
}

// countTables counts what the actor knows of the archive. The caller holds g.mu.
func (g *Gate) countTables() {
	if !g.left {
		g.host.Tables.add(g.parts.Answers().MemoryChange())
	}
}

// Ask looks for the answer to a call in the archive, about which [Gate.Find] is unsure.
func (g *Gate) Ask(ctx context.Context, c *call.Call) (dedup.Answer, *troupe.Error, dedup.Verdict) {
	if !faults.Asking {
		return dedup.Answer{}, nil, dedup.New
	}
	if err := g.load(ctx); err != nil {
		return dedup.Answer{}, g.noArchive(err), dedup.Answered
	}
	identity := c.Identity()
	g.mu.Lock()
	answers := g.parts.Answers()
	refs, made := answers.Candidates(identity), answers.Archived()
	g.mu.Unlock()
	var blocks [][]byte
	if len(refs) > 0 {
		var err error
		if blocks, err = g.read(ctx, made, refs); errors.Is(err, store.ErrBeyondEnd) {
			g.lost(err)
		} else if err != nil {
			return dedup.Answer{}, g.noArchive(err), dedup.Answered
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return answers.FindIn(blocks, identity)
}

// load reads which answers the archive has, unless that is known.
func (g *Gate) load(ctx context.Context) error {
	for {
		g.mu.Lock()
		answers := g.parts.Answers()
		missing, made := answers.Missing(), answers.Archived()
		g.countTables()
		g.mu.Unlock()
		if len(missing) == 0 {
			return nil
		}
		blocks, err := g.read(ctx, made, missing)
		if err == nil {
			g.mu.Lock()
			err = answers.Load(missing, blocks)
			g.mu.Unlock()
		}
		switch {
		case errors.Is(err, store.ErrBeyondEnd), errors.Is(err, dedup.ErrOther):
			g.lost(err)
		case err != nil:
			return err
		}
	}
}

// lost notes that the archive has lost answers.
func (g *Gate) lost(err error) {
	g.host.Logger.LogAttrs(g.host.Ctx, slog.LevelError,
		"the archive of answers was lost: for a while it is not known which calls have run", append(g.about(), slog.Any("error", err))...)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.parts.Answers().Lost()
}

// read reads blocks of the archive.
func (g *Gate) read(ctx context.Context, made int64, refs []dedup.Ref) ([][]byte, error) {
	stored := make([]store.Ref, len(refs))
	for i, ref := range refs {
		stored[i] = store.Ref{Made: made, Sequence: ref.Sequence, Offset: ref.Offset}
	}
	return g.host.Archive.Read(ctx, stored...)
}

// Leave gives back what the activation knows of the archive. It has ended.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = true
	g.host.Tables.add(-g.parts.Answers().Uncount())
}
