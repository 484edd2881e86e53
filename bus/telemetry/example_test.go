package telemetry_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/bus/telemetry"
)

// Prometheus reads the figures of a host from /metrics.
func Example_prometheus() {
	ctx := context.Background()
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		panic(err)
	}
	t, err := telemetry.New(telemetry.Config{MeterProvider: metric.NewMeterProvider(metric.WithReader(exporter))})
	if err != nil {
		panic(err)
	}
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Intercept: t.Intercept}, desks())
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	if _, err := t.Observe(host.Figures); err != nil {
		panic(err)
	}

	metrics := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})) // in a program: http.ListenAndServe
	defer metrics.Close()
	response, err := metrics.Client().Get(metrics.URL + "/metrics")
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "troupe_actors_awake{") {
			fmt.Println(strings.Contains(line, `troupe_actor_type="desk"`), strings.HasSuffix(line, " 0\n"))
		}
	}
	// Output: true true
}
