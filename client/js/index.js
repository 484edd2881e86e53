import { dial } from "./connect.js";
import { Troupe } from "./troupe.js";

export { Troupe };
export { TroupeError } from "./errors.js";
export { json, msgpack } from "./wire.js";

export const connect = (options) => dial(Troupe, options);
