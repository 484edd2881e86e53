package actorhost

import (
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// maxChainText is how many bytes of a call chain an error shows.
const maxChainText = 4 << 10

// checkCycle returns an error if the called actor already waits in the chain, or if the chain is too long.
func checkCycle(chain, tokens string) *troupe.Error {
	spelt := func() string {
		whole := chain + "," + tokens
		return strings.NewReplacer(".", "/", ",", " -> ").Replace(whole[max(0, len(whole)-maxChainText):])
	}
	length := 0
	for waiting := range strings.SplitSeq(chain, ",") {
		if waiting == tokens {
			return errs.New(troupe.CodeCallCycle, "%s", spelt())
		}
		if length++; length == wire.MaxChain {
			return errs.New(troupe.CodeChainTooLong, "%d actors wait in the call chain, the most allowed: %s",
				wire.MaxChain, spelt())
		}
	}
	return nil
}

// appendToChain returns the chain for the calls that an actor makes: the chain of the call it runs, and itself.
func appendToChain(chain string, id troupe.ID) string {
	if chain == "" {
		return id.Tokens()
	}
	return chain + "," + id.Tokens()
}
