// What fails, and how it is told.

/** What everything here throws and rejects with. */
export class TroupeError extends Error {
  constructor(code, message, { metadata = {}, fromActor = false, retryable = false, cause } = {}) {
    super(message, cause && { cause });
    Object.assign(this, { name: "TroupeError", code, metadata, fromActor, retryable });
  }
}

/** Tells whether NATS does not allow something. */
export const isDenied = (error) => /^(PermissionViolation|Authorization|UserAuthenticationExpired)Error$/.test(error?.name);

/** Makes a TroupeError of anything that was thrown. */
export function troupeError(error, what) {
  if (error instanceof TroupeError) return error;
  const code = isDenied(error) ? "denied" : /^Invalid(Argument|Subject)Error$/.test(error?.name) ? "bad_input" : "unavailable";
  return new TroupeError(code, `${what}: ${error?.message ?? error}`, { cause: error });
}

/** The error of what was given up by an AbortSignal. */
export const aborted = ({ reason }, what) => new TroupeError("canceled", `${what}: ${reason?.message ?? "aborted"}`, { cause: reason });

/** Throws a bad_input unless something is as it has to be. */
export function ensure(good, why, cause) {
  if (!good) throw new TroupeError("bad_input", why, { cause });
}

/**
 * Calls a handler of the program. What it throws is an uncaught exception of the program, as a panic of a handler is in
 * Go; thrown here, it would end the connection with NATS.
 */
export function handOver(handle, ...args) {
  try { handle(...args); } catch (error) { queueMicrotask(() => { throw error; }); }
}
