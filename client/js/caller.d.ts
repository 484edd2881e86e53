import type { ConnectionOptions, NatsConnection } from "@nats-io/nats-core";
import type { Actions, Args, Contract, Contracts, Name, Output } from "./contract.js";

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

/** The options of {@link connect}: those of the client, and those of the NATS client. */
export type Connect = Options & Omit<ConnectionOptions, keyof Options> & { signal?: AbortSignal };

/**
 * Connects with NATS by `servers`: by a WebSocket (`ws://`, `wss://`), or in Node over TCP, with `@nats-io/transport-node`. All other
 * options are those of the NATS client. It waits for a server, which `onError` hears, until `signal` is aborted; what cannot be
 * mended, as bad credentials are, fails it. Later it comes back by itself for as long as it takes.
 */
export function connect<C extends Contracts<C> = any>(options: Connect): Promise<Caller<C>>;

/** Calls actors over one connection with NATS, and does no more. */
export class Caller<C extends Contracts<C> = any> {
  /** `nc` stays the caller's. {@link connect} makes one that suits. */
  constructor(nc: NatsConnection, options?: Options);
  readonly nc: NatsConnection;
  readonly namespace: string;
  /** Refers to an actor. Nothing is sent. A part of the key is a text or bytes. */
  actor<Type extends Name<C>>(type: Type, ...key: (string | Uint8Array)[]): Reference<C[Type]>;
  /** Ends what is under way as `canceled`, and the connection with NATS if {@link connect} made it. */
  close(): Promise<void>;
}

/** A reference to one actor. */
export interface Reference<C extends Contract = any> {
  readonly type: string;
  readonly key: readonly (string | Uint8Array)[];
  readonly troupe: Caller;
  /** Type and key as they are spelt in subjects. */
  readonly tokens: string;
  toString(): string;

  /** Calls an action and returns its output. It is sent again until it is answered, and runs once. */
  call<A extends Name<Actions<C>>>(action: A, ...args: Args<Actions<C>[A]["in"], CallOptions>): Promise<Output<Actions<C>[A]["out"]>>;
  /** Sends a call whose answer nobody waits for. It runs at most once, and may be lost. */
  tell<A extends Name<C["actions"]>>(action: A, ...args: Args<C["actions"][A]["in"], TellOptions>): void;
  /** Waits until the actor's workflow is over, and returns what it has given or throws its error. A call of its name starts it. */
  result<A extends Name<C["actions"]>>(workflow: A, options?: { signal?: AbortSignal }): Promise<Output<C["actions"][A]["result"]>>;
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
