package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxReason is how much is read of why a host is not ready.
const maxReason = 1 << 10

// askReady asks one host whether it is ready. It is for the health check of a container: 1 is what Docker takes for unhealthy.
func askReady(ctx context.Context, e env, at string) error {
	if u, err := url.Parse(at); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return usageError{fmt.Errorf("--ready %q is no URL such as http://127.0.0.1:8080/readyz", at)}
	}
	var v verdict
	if err := ready(ctx, at); err != nil {
		v.add(stateWarning, "not ready: "+err.Error())
	} else {
		v.add(stateOK, "ready")
	}
	return v.print(e)
}

func ready(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	transport := http.Transport{DisableKeepAlives: true} // without a proxy: the host is near
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	reason, err := io.ReadAll(io.LimitReader(response.Body, maxReason))
	if err != nil {
		return err
	}
	return errors.New(response.Status + ": " + strings.TrimSpace(string(reason)))
}
