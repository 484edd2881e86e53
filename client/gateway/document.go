package gateway

import (
	"errors"
	"net/http"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/contract"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/look"
)

const documentPath = "/openapi.json"

// askTime is how long each host may take to tell a contract.
const askTime = 2 * time.Second

// document answers with what there is to call, as far as the user may ask hosts for it.
func (a *actors) document(w http.ResponseWriter, r *http.Request, credentials Credentials) error {
	u, err := a.users.enter(r.Context(), credentials, aCall)
	if err != nil {
		return err
	}
	defer a.users.leave(u, aCall)
	contracts, err := look.New(u.nc, a.namespace, askTime).Contracts(r.Context())
	if errors.Is(err, troupe.ErrDenied) {
		return errs.New(troupe.CodeDenied, "the user may not ask hosts for contracts: %v", err)
	}
	if err != nil {
		return errs.Unavailable("asking hosts for contracts: %v", err)
	}
	text, err := contract.OpenAPI(contracts)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, text)
	return nil
}
