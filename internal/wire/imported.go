package wire

import (
	"encoding/json"
	"strings"
)

// HeaderRequestInfo is how a server tells of the sender of a request from another account, if the export shares it.
const HeaderRequestInfo = "Nats-Request-Info"

// importedPrefix begins the reply subjects of requests from other accounts.
const importedPrefix = "_R_."

// ImportedBy returns the account that a request has come from by a service import: "" for none, and importedPrefix for one
// that the export does not share.
func ImportedBy(reply string, header Header) string {
	if info := header.Get(HeaderRequestInfo); info != "" {
		if account := accountIn(info); account != "" {
			return account
		}
	}
	if strings.HasPrefix(reply, importedPrefix) {
		return importedPrefix
	}
	return ""
}

func accountIn(info string) string {
	var sender struct {
		Account string `json:"acc"`
	}
	if json.Unmarshal([]byte(info), &sender) != nil {
		return ""
	}
	return sender.Account
}
