// Package telemetry makes spans and metrics of OpenTelemetry from what actors and their callers do.
//
// It uses the API of OpenTelemetry alone: which provider and exporter there is, the program decides. No other package of Troupe
// imports it.
//
//	t, err := telemetry.New(telemetry.Config{})
//	c, err := client.New(nc, client.Config{Intercept: t.Intercept})
//	host, err := actorhost.Start(ctx, nc, actorhost.Config{Intercept: t.Intercept}, definitions...)
//	stop, err := t.Observe(host.Figures)
//
// # Spans
//
// A call has two: of kind client, and of kind server for the turn at the actor, however often the call was sent. They are named
// TYPE/ACTION. A message of a queue, and a durable event, begin a new trace with a link to that of their sender, for they may be
// handled much later; a live event goes on with the trace of who has broadcast it. Scheduled actions, turns of run loops and steps of
// workflows begin a trace each: what goes on for months is not one trace. An error that an actor returns on purpose is an answer: it
// has an error.type, but the span of its turn has not failed.
//
// # Metrics
//
// Of calls rpc.client.call.duration and rpc.server.call.duration, by rpc.method and error.type; of messages and events
// messaging.client.operation.duration and messaging.process.duration; of other turns troupe.turn.duration; of all that wait
// for their turn troupe.turn.wait. No metric has the key of an actor. [Telemetry.Observe] adds those of a host.
package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/messagingconv"
	"go.opentelemetry.io/otel/semconv/v1.43.0/rpcconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupe-go/troupe"
)

// scope names what makes the spans and metrics.
const scope = "github.com/troupe-go/troupe/bus/telemetry"

// system is the value of rpc.system.name and messaging.system.
const system = "troupe"

// Config says where spans and metrics go. The zero value takes what package otel has been given, at the time of [New].
type Config struct {
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider
	// Propagator reads and writes the headers of calls. Default: that of W3C, with baggage.
	Propagator propagation.TextMapPropagator
}

// Telemetry makes spans and metrics. It is safe for concurrent use.
type Telemetry struct {
	tracer     trace.Tracer
	meter      metric.Meter
	propagator propagation.TextMapPropagator

	client, server, send, process, turn, wait metric.Float64Histogram
}

// New returns a Telemetry. Its error is one of the meter.
func New(config Config) (*Telemetry, error) {
	if config.TracerProvider == nil {
		config.TracerProvider = otel.GetTracerProvider()
	}
	if config.MeterProvider == nil {
		config.MeterProvider = otel.GetMeterProvider()
	}
	if config.Propagator == nil {
		config.Propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	}
	t := &Telemetry{
		tracer:     config.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)),
		meter:      config.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL)),
		propagator: config.Propagator,
	}
	client, clientErr := rpcconv.NewClientCallDuration(t.meter)
	server, serverErr := rpcconv.NewServerCallDuration(t.meter)
	send, sendErr := messagingconv.NewClientOperationDuration(t.meter)
	process, processErr := messagingconv.NewProcessDuration(t.meter)
	turn, turnErr := t.meter.Float64Histogram("troupe.turn.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of turns that are no calls, messages or events, and of steps of workflows."))
	wait, waitErr := t.meter.Float64Histogram("troupe.turn.wait", metric.WithUnit("s"),
		metric.WithDescription("How long calls, messages and events have waited at a host for their turn."))
	t.client, t.server, t.send, t.process = client.Inst(), server.Inst(), send.Inst(), process.Inst()
	t.turn, t.wait = turn, wait
	if err := errors.Join(clientErr, serverErr, sendErr, processErr, turnErr, waitErr); err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	return t, nil
}

// Intercept is the troupe.Interceptor for client.Config.Intercept and actorhost.Config.Intercept. With others it is best the first.
func (t *Telemetry) Intercept(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
	p := t.planOf(op)
	options := []trace.SpanStartOption{trace.WithSpanKind(p.span), trace.WithAttributes(p.about...), trace.WithAttributes(actorOf(op)...)}
	switch {
	case p.goesOn:
		ctx = t.propagator.Extract(ctx, op.Header)
	case p.linked:
		options = append(options, trace.WithNewRoot())
		if from := trace.SpanContextFromContext(t.propagator.Extract(context.Background(), op.Header)); from.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: from}))
		}
	}
	ctx, span := t.tracer.Start(ctx, p.name, options...)
	defer span.End()
	if p.leaves {
		t.propagator.Inject(ctx, op.Header)
	}
	began := time.Now()
	err := next(ctx)
	took := time.Since(began)
	if err != nil {
		kind := semconv.ErrorTypeKey.String(string(codeOf(err)))
		p.about = append(p.about, kind)
		span.SetAttributes(kind)
		if p.leaves || !isOwn(err) {
			span.SetStatus(codes.Error, err.Error())
		}
	}
	attributes := metric.WithAttributes(p.about...)
	if p.duration != nil {
		p.duration.Record(ctx, took.Seconds(), attributes)
	}
	if op.Waited > 0 {
		t.wait.Record(ctx, op.Waited.Seconds(), attributes)
	}
	return err
}

// plan is what becomes of an operation.
type plan struct {
	name     string
	span     trace.SpanKind
	duration metric.Float64Histogram
	about    []attribute.KeyValue // of the span and of the metric
	goesOn   bool                 // it is a part of the trace that it has come with
	linked   bool                 // it begins a trace, with a link to that
	leaves   bool                 // its trace goes with it
}

func (t *Telemetry) planOf(op *troupe.Operation) plan {
	method := op.Actor.Type() + "/" + op.Name
	rpc := []attribute.KeyValue{semconv.RPCSystemNameKey.String(system), semconv.RPCMethodKey.String(method)}
	switch op.Kind {
	case troupe.OpCall, troupe.OpTell:
		return plan{name: method, span: trace.SpanKindClient, duration: t.client, about: rpc, leaves: true}
	case troupe.OpAction:
		return plan{name: method, span: trace.SpanKindServer, duration: t.server, about: rpc, goesOn: true}
	case troupe.OpPush, troupe.OpPublish:
		return plan{
			name: string(op.Kind) + " " + method, span: trace.SpanKindProducer, duration: t.send, leaves: true,
			about: messaging(method, string(op.Kind), semconv.MessagingOperationTypeSend),
		}
	case troupe.OpQueue:
		return plan{
			name: "process " + method, span: trace.SpanKindConsumer, duration: t.process, linked: true,
			about: messaging(method, string(op.Kind), semconv.MessagingOperationTypeProcess),
		}
	case troupe.OpEvent:
		from := cmp.Or(op.Source, op.Actor).Type() + "/" + op.Name
		return plan{
			name: "process " + from, span: trace.SpanKindConsumer, duration: t.process, linked: op.Durable, goesOn: !op.Durable,
			about: messaging(from, string(op.Kind), semconv.MessagingOperationTypeProcess),
		}
	}
	hook := op.Kind == troupe.OpHook
	return plan{
		name: string(op.Kind) + " " + op.Actor.Type() + "/" + nameOf(op), span: trace.SpanKindInternal,
		duration: t.turn, goesOn: hook, linked: !hook,
		about: []attribute.KeyValue{
			attribute.String("troupe.turn.kind", string(op.Kind)), attribute.String("troupe.actor.type", op.Actor.Type()),
			attribute.String("troupe.turn.name", nameOf(op)),
		},
	}
}

// nameOf is the name of a turn that is no call. Steps of workflows are made by programs, perhaps one for each of many things.
func nameOf(op *troupe.Operation) string {
	if op.Kind == troupe.OpStep {
		return "step"
	}
	return op.Name
}

func messaging(destination, operation string, kind attribute.KeyValue) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.MessagingSystemKey.String(system), semconv.MessagingDestinationName(destination),
		semconv.MessagingOperationName(operation), kind,
	}
}

// actorOf are attributes of spans alone: there are too many actors for a metric.
func actorOf(op *troupe.Operation) []attribute.KeyValue {
	about := []attribute.KeyValue{attribute.String("troupe.actor", op.Actor.String())}
	if op.RequestID != "" {
		about = append(about, attribute.String("troupe.request_id", op.RequestID))
	}
	if op.Kind == troupe.OpStep {
		about = append(about, attribute.String("troupe.step", op.Name))
	}
	return about
}

// codeOf is the code of an error.
func codeOf(err error) troupe.Code {
	if known, ok := errors.AsType[*troupe.Error](err); ok {
		return known.Code
	}
	return "_OTHER"
}

// isOwn reports whether an actor has returned an error on purpose.
func isOwn(err error) bool {
	known, ok := errors.AsType[*troupe.Error](err)
	return ok && known.FromActor
}
