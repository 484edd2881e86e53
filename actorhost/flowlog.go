package actorhost

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
)

// A record is written with each step, so the steps that it has must not be many. Once they take firstLogged bytes, and after that
// whenever they take nextLogged, they are kept in a block elsewhere, and leave the record with the next write. A block has only what
// is stored already, and is never changed: whoever writes it, and however late, writes the same.
const firstLogged, nextLogged = 8 << 10, 1 << 10

// logTimeout bounds the writing, reading and removing of blocks.
const logTimeout = 30 * time.Second

// keeping is what may fail for long.
const keeping = "keeping the steps of a long workflow failed: they stay in the record"

// keepSteps keeps the steps of the record elsewhere, if they are many. If that fails they stay, until the next step.
func (f *flowRun) keepSteps() {
	f.mu.Lock()
	kept := f.kept
	f.mu.Unlock()
	var block []byte
	var steps []record.WorkflowStep
	first := 0
	f.a.gate.Read(func(p *record.Parts) {
		w := p.Workflow()
		if w == nil || w.Run != f.head.Run || kept > w.Logged { // those leave the record with the next write
			return
		}
		if size := w.StepBytes(); size >= firstLogged || w.Logged > 0 && size >= nextLogged {
			first, steps, block = w.Logged, w.Steps(), w.Block()
		}
	})
	if block == nil {
		return
	}
	ctx, cancel := context.WithTimeout(f.ctx, logTimeout)
	defer cancel()
	_, index, err := f.a.host.log.Open(ctx)
	if err == nil {
		var stored []byte
		if stored, err = index.KeepSteps(ctx, f.a.id, f.head.Run, first, block); err == nil && len(stored) != len(block) {
			steps, err = record.DecodeBlock(stored) // of an earlier try, which had fewer
		}
	}
	if err != nil {
		f.a.failed(keeping, err)
		return
	}
	f.a.host.faults.Works(keeping)
	f.mu.Lock()
	defer f.mu.Unlock()
	if first+len(steps) > f.kept { // of several side by side, one may be late
		f.logged = append(f.logged[:first], steps...)
		f.kept = len(f.logged)
	}
}

// readSteps puts the steps that are kept elsewhere before those that the record has. A replica may lag behind.
func (f *flowRun) readSteps() error {
	missing := f.head.Logged - (f.known - f.inRecord)
	if missing <= 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(f.ctx, logTimeout)
	defer cancel()
	for why := error(nil); ; {
		steps, err := f.readBlocks(ctx)
		if why == nil || ctx.Err() == nil {
			why = err
		}
		if err == nil {
			f.steps = append(steps, f.steps...)
			f.known = len(f.steps)
			return nil
		}
		if !pause.For(ctx, flowAgain) {
			return why
		}
	}
}

func (f *flowRun) readBlocks(ctx context.Context) (steps []record.WorkflowStep, err error) {
	_, index, err := f.a.host.log.Open(ctx)
	if err != nil {
		return nil, err
	}
	blocks, err := index.StepsOf(ctx, f.a.id, f.head.Run)
	if err != nil {
		return nil, err
	}
	for len(steps) < f.head.Logged {
		block, found := blocks[len(steps)]
		if !found {
			return nil, fmt.Errorf("its steps from %d to %d are missing", len(steps), f.head.Logged)
		}
		more, err := record.DecodeBlock(block)
		if err != nil || len(more) == 0 {
			return nil, fmt.Errorf("its steps from %d on cannot be read: %w", len(steps), err)
		}
		steps = append(steps, more...)
	}
	return steps[:f.head.Logged], nil
}

// forgetSteps removes what was kept of a run that is over. What it leaves takes some room, and no more.
func (a *activation) forgetSteps(run string) {
	ctx, cancel := context.WithTimeout(a.host.ctx, logTimeout)
	defer cancel()
	_, index, err := a.host.log.Open(ctx)
	if err == nil {
		err = index.ForgetSteps(ctx, a.id, run)
	}
	if err != nil {
		a.logger("").Warn("removing the steps of a workflow that is over failed", "error", err)
	}
}

// forgetAllSteps removes what was kept of the workflow of an actor that is destroyed.
func (a *activation) forgetAllSteps() {
	run := ""
	a.gate.Read(func(p *record.Parts) {
		if w := p.Workflow(); w != nil && w.Logged > 0 {
			run = w.Run
		}
	})
	if run != "" {
		a.host.goroutines.Go(func() { a.forgetSteps(run) })
	}
}
