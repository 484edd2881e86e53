import type { ConnectionOptions, NatsConnection } from "@nats-io/nats-core";

// ---- Contracts

/** What programs need to know of an actor type: `troupe schema TYPE --typescript` writes it. */
export interface Contract {
  actions: Record<string, { in: any; out: any; result?: any }>;
  events: Record<string, any>;
  queues: Record<string, any>;
  create: any;
  connect: any;
}

/** Contracts by the names of the actor types: `{ inventory: InventoryContract }`. */
export type Contracts<C> = { [Type in keyof C]: Contract };

type Name<T> = keyof T & string;
type Args<In, Options> = null extends In ? [input?: In, options?: Options] : [input: In, options?: Options];
type Output<T> = unknown extends T ? T : [T] extends [null] ? void : T;

/** The actions of a type, with those that every type has. */
export type Actions<C extends Contract> = C["actions"] & {
  /** Creates the actor, which must not exist. */
  _create: { in: C["create"]; out: null };
  /** Puts the actor to sleep, or is `not_found` when it is not awake. */
  _sleep: { in: null; out: null };
  /** Removes the actor and its state, unless it refuses. */
  _destroy: { in: null; out: null };
  /** Has an action run later, and returns the name of the schedule. One of the same name is replaced. */
  _schedule: { in: Schedule<C>; out: string };
  /** Takes the name of a schedule, and returns whether there was one. */
  _unschedule: { in: string; out: boolean };
  _schedules: { in: null; out: Scheduled<C>[] };
  /** Runs a schedule now. */
  _fire: { in: string; out: boolean };
  /** Retries or deletes a dead letter, and returns whether there was one. */
  _dead: { in: { queue: Name<C["queues"]>; id: string; retry?: boolean }; out: boolean };
  _workflow: { in: null; out: Workflow };
  /** Takes the reason. */
  _workflow_cancel: { in: string; out: null };
  _workflow_retry: { in: null; out: null };
};

/** When an action runs: once `at` a time or `after` some time, or again and again; at once if there is none. All in ms. */
export interface Schedule<C extends Contract = any> {
  action: Name<C["actions"]> | "_destroy";
  input?: unknown;
  name?: string;
  at?: number;
  after?: number;
  every?: number;
  cron?: string;
  /** Time zone of `cron` by its IANA name. Default UTC. */
  zone?: string;
  missed?: "once" | "all" | "skip";
  spread?: number;
}

/** A schedule as it is listed. Integers beyond 2^53 are bigints. */
export interface Scheduled<C extends Contract = any> extends Omit<Schedule<C>, "at" | "after" | "spread" | "name"> {
  name: string;
  at: number;
  attempts?: number;
  error?: string;
  parked?: boolean;
  times?: number;
  volatile?: boolean;
}

export interface Workflow {
  name: string;
  status: "running" | "waiting" | "undoing" | "stuck" | "succeeded" | "failed" | "canceled";
  began: Date;
  ended?: Date;
  input?: unknown;
  result?: unknown;
  error?: string;
  reason?: string;
  since?: Date;
  tries?: number;
  retry?: Date;
  cancel?: string;
  steps?: { name: string; kind: string; began: Date; ended: Date; attempts?: number; result?: unknown; error?: string }[];
  before?: number;
  waits?: { name: string; kind: string; since: Date; until?: Date; signal?: string; attempts?: number; error?: string }[];
  signals?: string[];
}

// ---- The client

export interface Options {
  /** Default `troupe`. */
  namespace?: string;
  /** Default {@link msgpack}. Contracts are of msgpack: in JSON times are texts, and bytes are base64. */
  codec?: Codec;
  /** Of calls and pushes, in ms. Default 30000. */
  timeout?: number;
  /**
   * Hears of what has no call to fail: messages that nobody can read, which are dropped, subscriptions that NATS denies, what was told and
   * denied, credentials that are refused, and the end of the connection. By default the first of each code is a warning.
   */
  onError?: (error: TroupeError) => void;
  /** Of replies and connections. Default: that of the connection with NATS. */
  inboxPrefix?: string;
}

/**
 * Connects with NATS by `servers`: by a WebSocket (`ws://`, `wss://`), or in Node over TCP, with `@nats-io/transport-node`. All other
 * options are those of the NATS client. It waits for a server, which `onError` hears, until `signal` is aborted; what cannot be
 * mended, as bad credentials are, fails it. Later it comes back by itself for as long as it takes.
 */
export function connect<C extends Contracts<C> = any>(
  options: Options & Omit<ConnectionOptions, keyof Options> & { signal?: AbortSignal },
): Promise<Troupe<C>>;

/** Calls actors, hears their events and connects with them, over one connection with NATS. */
export class Troupe<C extends Contracts<C> = any> {
  /** `nc` stays the caller's. {@link connect} makes one that suits. */
  constructor(nc: NatsConnection, options?: Options);
  readonly nc: NatsConnection;
  readonly namespace: string;
  /** Refers to an actor. Nothing is sent. A part of the key is a text or bytes. */
  actor<Type extends Name<C>>(type: Type, ...key: (string | Uint8Array)[]): Actor<C[Type]>;
  /** Ends what is under way as `canceled`, the subscriptions and the connections with actors; and that with NATS if {@link connect} made it. */
  close(): Promise<void>;
}

/** A reference to one actor. */
export interface Actor<C extends Contract = any> {
  readonly type: string;
  readonly key: readonly (string | Uint8Array)[];
  readonly troupe: Troupe;
  /** Type and key as they are spelt in subjects. */
  readonly tokens: string;
  toString(): string;

  /** Calls an action and returns its output. It is sent again until it is answered, and runs once. */
  call<A extends Name<Actions<C>>>(action: A, ...args: Args<Actions<C>[A]["in"], CallOptions>): Promise<Output<Actions<C>[A]["out"]>>;
  /** Sends a call whose answer nobody waits for. It runs at most once, and may be lost. */
  tell<A extends Name<C["actions"]>>(action: A, ...args: Args<C["actions"][A]["in"], TellOptions>): void;
  /** Stores a message in a queue of the actor. It is stored when this resolves. */
  push<Q extends Name<C["queues"]>>(queue: Q, message: C["queues"][Q], options?: PushOptions): Promise<void>;
  /** Waits until the actor's workflow is over, and returns what it has given or throws its error. A call of its name starts it. */
  result<A extends Name<C["actions"]>>(workflow: A, options?: { signal?: AbortSignal }): Promise<Output<C["actions"][A]["result"]>>;

  /**
   * Calls `handle` with each payload of an event, and `onGap` when some were missed; `onEnd` is told why when something else than
   * `unsubscribe` has ended it. It is in force once it resolves. What a handler throws is an uncaught exception of the program.
   */
  subscribe<E extends Name<C["events"]>>(event: E, handle: (payload: C["events"][E], position: Position) => void, options?: SubscribeOptions): Promise<Subscription>;
  /** Events to iterate over. It is in force once it resolves. At most `limit` (default 1000) wait: the oldest are then missed. */
  events<E extends Name<C["events"]>>(event: E, options?: { limit?: number; signal?: AbortSignal }): Promise<Events<C["events"][E]>>;
  /** Begins a session with the actor: it knows this program, can send to it alone, and stays awake for it. */
  connect(...args: Args<C["connect"], ConnectOptions<C>>): Promise<Connection<C>>;
}

export interface TellOptions {
  /** Do not create the actor. */
  existing?: boolean;
  /** After so many ms it is not started. */
  timeout?: number;
  /** What interceptors of hosts may ask for: `authorization`, `traceparent`, `tracestate`, `baggage`. */
  headers?: Record<string, string>;
}

export interface CallOptions extends TellOptions {
  /** A call that was made with it before, in the last 15 minutes, by any program, is not run again. */
  requestId?: string;
  /** Gives the call up. It does not run if it still waits for its turn, and may otherwise. */
  signal?: AbortSignal;
}

export interface PushOptions {
  /** Of messages to this queue with the same id, within 15 minutes, one takes effect. */
  id?: string;
  notBefore?: Date;
  /** The contract declares the queue in order. */
  inOrder?: boolean;
  existing?: boolean;
  timeout?: number;
  signal?: AbortSignal;
}

/** Where an event is among those of its name. */
export interface Position { epoch: number; sequence: number }

/** Events that were missed. `missed` is Infinity when nobody knows how many. */
export interface Gap { event: string; missed: number }

export interface SubscribeOptions {
  onGap?: (gap: Gap) => void;
  onEnd?: (error: TroupeError) => void;
  signal?: AbortSignal;
}

export interface Subscription { unsubscribe(): void }

/** Events in order, and where some were missed, how many. It ends with `break`, or throws when something else ends it. */
export interface Events<T> extends Subscription, AsyncIterableIterator<
  { payload: T; position: Position; missed?: undefined } | { missed: number; payload?: undefined; position?: undefined }
> {}

export type Status = "connected" | "reconnecting" | "closed";

export interface ConnectOptions<C extends Contract = any> {
  /** Handlers of events: of what the actor broadcasts, and of what it sends to this connection alone. */
  on?: { [E in keyof C["events"]]?: (payload: C["events"][E], position: Position) => void };
  onStatus?: (status: Status, reason?: TroupeError) => void;
  onGap?: (gap: Gap) => void;
  /** Closes the connection. */
  signal?: AbortSignal;
}

/** A session with one actor. It comes back by itself, until either side closes it. */
export interface Connection<C extends Contract = any> {
  readonly actor: Actor<C>;
  readonly id: string;
  readonly status: Status;
  /** Calls an action, which knows by which connection. */
  call: Actor<C>["call"];
  close(): Promise<void>;
}

// ---- Values and errors

/** An encoding of values. `encode` throws a TroupeError, which names the path, of what would arrive as something else. */
export interface Codec {
  readonly contentType: string;
  encode(value: unknown): Uint8Array;
  decode(body: Uint8Array): any;
}
export const msgpack: Codec;
export const json: Codec;

/** What everything here throws and rejects with. */
export class TroupeError extends Error {
  constructor(code: string, message: string, options?: { metadata?: Record<string, any>; fromActor?: boolean; retryable?: boolean; cause?: unknown });
  name: "TroupeError";
  /** Tells errors apart: those of docs/protocol.md, or the actor's own. */
  code: string;
  metadata: Record<string, any>;
  /** The actor's own code made it for its callers. */
  fromActor: boolean;
  /** The call had no effect, and may succeed when it is made again. */
  retryable: boolean;
}
