// What programs need to know of actor types. Nothing here is there when a program runs.

/** What programs need to know of an actor type: `troupe schema TYPE --typescript` writes it. */
export interface Contract {
  actions: Record<string, { in: any; out: any; result?: any; items?: any }>;
  events: Record<string, any>;
  queues: Record<string, any>;
  create: any;
  connect: any;
}

/** Contracts by the names of the actor types: `{ inventory: InventoryContract }`. */
export type Contracts<C> = { [Type in keyof C]: Contract };

/** The names of what a contract has. */
export type Name<T> = keyof T & string;
/** The arguments of what takes an input, which may be left out where it may be null. */
export type Args<In, Options> = null extends In ? [input?: In, options?: Options] : [input: In, options?: Options];
/** What a call resolves to. */
export type Output<T> = unknown extends T ? T : [T] extends [null] ? void : T;

/** The actions of a type, with those that every type has. */
export type Actions<C extends Contract> = C["actions"] & {
  /** Creates the actor, which must not exist. */
  _create: { in: C["create"]; out: null };
  /** Puts the actor to sleep, or is `not_found` when it is not awake. */
  _sleep: { in: null; out: null };
  /** Moves the actor to the host with this id. */
  _move: { in: string; out: null };
  /** Removes the actor and its state, unless it refuses. */
  _destroy: { in: null; out: null };
  /** Has an action run later, and returns the name of the schedule. One of the same name is replaced. */
  _schedule: { in: Schedule<C>; out: string };
  /** Takes the name of a schedule, and returns whether there was one. */
  _unschedule: { in: string; out: boolean };
  _schedules: { in: null; out: Scheduled<C>[] };
  /** Runs a schedule now. */
  _fire: { in: string; out: boolean };
  /** Retries or deletes a dead letter, or skips the next message of a queue in order, and returns whether there was one. */
  _dead: { in: { queue: Name<C["queues"]>; id: string; retry?: boolean; skip?: boolean }; out: boolean };
  /** With `until`, the steps before that one: `before` of the page after it. */
  _workflow: { in: null | { until?: number; limit?: number }; out: Workflow };
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
  after?: number;
  waits?: { name: string; kind: string; since: Date; until?: Date; signal?: string; attempts?: number; error?: string }[];
  signals?: string[];
}
