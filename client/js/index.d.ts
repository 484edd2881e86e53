import { Caller, type CallOptions, type Connect, type Reference, type TroupeError } from "./caller.js";
import type { Args, Contract, Contracts, Name } from "./contract.js";

export { TroupeError, json, msgpack } from "./caller.js";
export type { CallOptions, Caller, Codec, Connect, Options, Reference, TellOptions } from "./caller.js";
export type { Actions, Contract, Contracts, Schedule, Scheduled, Workflow } from "./contract.js";

/** Connects with NATS, as that of `@troupe-go/client/caller` does. */
export function connect<C extends Contracts<C> = any>(options: Connect): Promise<Troupe<C>>;

/** Calls actors, hears their events and connects with them, over one connection with NATS. */
export class Troupe<C extends Contracts<C> = any> extends Caller<C> {
  /** Refers to an actor. Nothing is sent. A part of the key is a text or bytes. */
  actor<Type extends Name<C>>(type: Type, ...key: (string | Uint8Array)[]): Actor<C[Type]>;
  /** Ends what is under way as `canceled`, the subscriptions and the connections with actors; and that with NATS if {@link connect} made it. */
  close(): Promise<void>;
}

/** A reference to one actor. */
export interface Actor<C extends Contract = any> extends Reference<C> {
  readonly troupe: Troupe;

  /** Stores a message in a queue of the actor. It is stored when this resolves. */
  push<Q extends Name<C["queues"]>>(queue: Q, message: C["queues"][Q], options?: PushOptions): Promise<void>;

  /**
   * Calls `handle` with each payload of an event, and `onGap` when some were missed; `onEnd` is told why when something else than
   * `unsubscribe` has ended it. It is in force once it resolves. What a handler throws is an uncaught exception of the program.
   */
  subscribe<E extends Name<C["events"]>>(event: E, handle: (payload: C["events"][E], position: Position) => void, options?: SubscribeOptions): Promise<Subscription>;
  /** Events to iterate over. It is in force once it resolves. At most `limit` (default 1000) wait: the oldest are then missed. */
  events<E extends Name<C["events"]>>(event: E, options?: { limit?: number; signal?: AbortSignal }): Promise<Events<C["events"][E]>>;
  /**
   * Opens a stream, and yields its values as they come. To break out of the loop, or to abort `signal`, ends it: the actor hears that.
   * `timeout` is of the opening. Nothing is sent before the first value is asked for; the actor is at most 256 values ahead.
   */
  stream<A extends Name<C["actions"]>>(stream: A, ...args: Args<C["actions"][A]["in"], CallOptions>): AsyncGenerator<C["actions"][A]["items"], void, void>;
  /** Begins a session with the actor: it knows this program, can send to it alone, and stays awake for it. */
  connect(...args: Args<C["connect"], ConnectOptions<C>>): Promise<Connection<C>>;
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
