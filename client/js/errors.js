// What fails, and how it is told.

/** What everything here throws and rejects with. */
export class TroupeError extends Error {
  constructor(code, message, { metadata = {}, fromActor = false, retryable = false, cause } = {}) {
    super(message, cause && { cause });
    Object.assign(this, { name: "TroupeError", code, metadata, fromActor, retryable });
  }
}

/** Makes a TroupeError of anything that was thrown: of the code, where the error does not say another. */
export function troupeError(error, what, otherwise = "unavailable") {
  if (error instanceof TroupeError) return error;
  const is = (names) => names.test(error?.name);
  const code = is(/^(PermissionViolation|Authorization|UserAuthenticationExpired)E/) ? "denied" : is(/^Invalid(Argument|Subject)E/) ? "bad_input" : otherwise;
  return new TroupeError(code, `${what}: ${error?.message ?? error}`, { cause: error });
}

/** The error of what was given up by an AbortSignal. */
export const aborted = ({ reason }, what) => new TroupeError("canceled", `${what}: ${reason?.message ?? "aborted"}`, { cause: reason });

/** Throws a bad_input unless something is as it has to be. */
export function ensure(good, why) {
  if (!good) throw new TroupeError("bad_input", why);
}

/**
 * Calls a handler of the program. What it throws is an uncaught exception of the program, as a panic of a handler is in
 * Go; thrown here, it would end the connection with NATS.
 */
export function handOver(handle, ...args) {
  try { handle(...args); } catch (error) { queueMicrotask(() => { throw error; }); }
}

/** What tells of errors unless the program does: of the first one of each code. */
export function warnOnce() {
  const warned = new Set();
  return (error) => {
    if (!warned.has(error.code)) console.warn(`troupe: ${error.message} (the option onError hears of all such errors)`);
    warned.add(error.code);
  };
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
