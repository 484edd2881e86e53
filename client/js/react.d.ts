import type { CallOptions, Reference, TroupeError } from "./caller.js";
import type { Actions, Contract, Name, Output } from "./contract.js";
import type { Actor, Connection, ConnectOptions, Gap, Position, Status } from "./index.js";

type Maybe<T> = T | undefined | null;
type Input<T> = null extends T ? [input?: T] : [input: T];
type Answer<T> = { pending: boolean; data?: T; error?: TroupeError };

/**
 * An action of an actor: `call` makes a call, never rejects, and resolves to its `data` or `error`. Those of the last call are here, too.
 * A call that is under way goes on when the component is gone.
 */
export function useAction<C extends Contract, A extends Name<Actions<C>>>(actor: Maybe<Reference<C>>, action: A, options?: CallOptions):
  Answer<Output<Actions<C>[A]["out"]>> & { call(...args: Input<Actions<C>[A]["in"]>): Promise<Answer<Output<Actions<C>[A]["out"]>>> };

/** Hears an event of an actor for as long as the component is there. Returns why it does not, if so. */
export function useEvent<C extends Contract, E extends Name<C["events"]>>(actor: Maybe<Actor<C>>, event: E,
  handle: (payload: C["events"][E], position: Position) => void, options?: { onGap?: (gap: Gap) => void }): TroupeError | undefined;

/**
 * A session with an actor, for as long as the component is there. It begins anew with another actor, other `params` (by their JSON), or
 * when other events are in `on`. `connection` is there once it was connected.
 */
export function useConnection<C extends Contract>(actor: Maybe<Actor<C>>, params?: C["connect"], options?: Pick<ConnectOptions<C>, "on" | "onGap">):
  { status: Status; error?: TroupeError; connection?: Connection<C> };
