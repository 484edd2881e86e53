package telemetry

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/troupe-go/troupe"
)

// Observe makes metrics of what a host tells about itself: its Figures, or those of a client. They are read whenever the meter is,
// until stop is called.
func (t *Telemetry) Observe(figures func() iter.Seq[troupe.Figure]) (stop func() error, err error) {
	instruments := make(map[string]metric.Observable)
	counters, gauges := make(map[string]metric.Float64ObservableCounter), make(map[string]metric.Float64ObservableGauge)
	for name, known := range troupe.Figures {
		unit, about := metric.WithUnit(known.Unit), metric.WithDescription(known.About)
		if known.Counts {
			counters[name], err = t.meter.Float64ObservableCounter(name, unit, about)
			instruments[name] = counters[name]
		} else {
			gauges[name], err = t.meter.Float64ObservableGauge(name, unit, about)
			instruments[name] = gauges[name]
		}
		if err != nil {
			return nil, fmt.Errorf("telemetry: %w", err)
		}
	}
	callback, err := t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for figure := range figures() {
			labels := metric.WithAttributes(attributesOf(figure)...)
			if counter, ok := counters[figure.Name]; ok {
				o.ObserveFloat64(counter, figure.Value, labels)
			} else if gauge, ok := gauges[figure.Name]; ok {
				o.ObserveFloat64(gauge, figure.Value, labels)
			}
		}
		return nil
	}, slices.Collect(maps.Values(instruments))...)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	return callback.Unregister, nil
}

func attributesOf(f troupe.Figure) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 0, len(f.Labels)/2)
	for pair := range slices.Chunk(f.Labels, 2) {
		all = append(all, attribute.String(pair[0], pair[1]))
	}
	return all
}
