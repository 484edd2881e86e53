// Hooks of React. An actor may be undefined, and then nothing happens yet; another reference to the same one changes nothing.

import { useCallback, useEffect, useRef, useState } from "react";
import { TroupeError } from "./errors.js";

const exact = (key, value) => typeof value === "bigint" ? `${value}n` : value; // JSON has no BigInts
const same = (actor) => [actor?.troupe, actor?.tokens];

// useLatest keeps what a component was rendered with last, for what runs later.
function useLatest(value) {
  const latest = useRef(value);
  useEffect(() => { latest.current = value; });
  return latest;
}

export function useAction(actor, action, options) {
  const [state, setState] = useState({ pending: false });
  const latest = useLatest({ actor, options });
  const calls = useRef(0);
  const call = useCallback(async (input) => {
    const number = ++calls.current;
    setState((state) => ({ ...state, pending: true }));
    let done;
    try {
      if (!latest.current.actor) throw new TroupeError("unavailable", `${action}: there is no actor yet`);
      done = { pending: false, data: await latest.current.actor.call(action, input, latest.current.options) };
    } catch (error) {
      done = { pending: false, error };
    }
    if (number === calls.current) setState(done); // it is the last one that counts
    return done;
  }, [...same(actor), action]);
  return { ...state, call };
}

export function useEvent(actor, event, handle, { onGap } = {}) {
  const [error, setError] = useState();
  const latest = useLatest({ actor, handle, onGap });
  useEffect(() => {
    setError(undefined);
    if (!actor) return undefined;
    const stop = new AbortController();
    const ended = (error) => { if (!stop.signal.aborted) setError(error); };
    latest.current.actor.subscribe(event, (...heard) => latest.current.handle(...heard), {
      signal: stop.signal, onGap: (gap) => latest.current.onGap?.(gap), onEnd: ended,
    }).catch(ended);
    return () => stop.abort();
  }, [...same(actor), event]);
  return error;
}

export function useConnection(actor, params, { on = {}, onGap } = {}) {
  const [state, setState] = useState({ status: "reconnecting" });
  const latest = useLatest({ actor, params, on, onGap });
  const events = Object.keys(on);
  useEffect(() => {
    setState({ status: "reconnecting" });
    if (!actor) return undefined;
    const stop = new AbortController();
    const change = (now) => { if (!stop.signal.aborted) setState((state) => ({ ...state, ...now })); };
    latest.current.actor.connect(latest.current.params, {
      on: Object.fromEntries(events.map((event) => [event, (...heard) => latest.current.on[event]?.(...heard)])),
      onGap: (gap) => latest.current.onGap?.(gap), onStatus: (status, error) => change({ status, error }), signal: stop.signal,
    }).then((connection) => change({ connection }), (error) => change({ status: "closed", error }));
    return () => stop.abort();
  }, [...same(actor), JSON.stringify(params, exact), events.join()]);
  return state;
}
