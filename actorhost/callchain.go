package actorhost

import (
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// maxChainText is how many bytes of a call chain an error shows.
const maxChainText = 4 << 10

// checkChain reports whether the called actor already waits in the chain. That is an error, unless the action may come back; so is
// a chain that is too long.
func checkChain(chain, tokens string, reentrant bool) (comesBack bool, err *troupe.Error) {
	length := 0
	for waiting := range strings.SplitSeq(chain, ",") {
		if waiting == tokens {
			if !reentrant {
				return true, errCycle(chain, tokens, "only an action that is Reentrant may come back")
			}
			comesBack = true
		}
		if length++; length == wire.MaxChain {
			return comesBack, errs.New(troupe.CodeChainTooLong, "%d actors wait in the call chain, the most allowed: %s",
				wire.MaxChain, spelt(chain, tokens))
		}
	}
	return comesBack, nil
}

// errCycle refuses a call that comes back to an actor.
func errCycle(chain, tokens, why string) *troupe.Error {
	return errs.New(troupe.CodeCallCycle, "%s: %s", spelt(chain, tokens), why)
}

// spelt is a chain with the actor that is called, as errors show it.
func spelt(chain, tokens string) string {
	whole := chain + "," + tokens
	return strings.NewReplacer(".", "/", ",", " -> ").Replace(whole[max(0, len(whole)-maxChainText):])
}

// appendToChain returns the chain for the calls that an actor makes: the chain of the call it runs, and itself.
func appendToChain(chain string, id troupe.ID) string {
	if chain == "" {
		return id.Tokens()
	}
	return chain + "," + id.Tokens()
}
