package actorhost

import (
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// maxChainText is how much of a chain is spelt out.
const maxChainText = 4 << 10

// checkCycle is the error of a call whose actor waits in it.
func checkCycle(chain, tokens string) *troupe.Error {
	if len(chain) > wire.MaxChainBytes {
		return errs.New(troupe.CodeBadInput, "the call chain has %d bytes, at most %d are allowed", len(chain), wire.MaxChainBytes)
	}
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
			return errs.New(troupe.CodeCallCycle, "more than %d actors wait: %s", wire.MaxChain, spelt())
		}
	}
	return nil
}

// appendToChain is the chain for the calls of an actor that was itself called with chain.
func appendToChain(chain string, id troupe.ID) string {
	if chain == "" {
		return id.Tokens()
	}
	return chain + "," + id.Tokens()
}
