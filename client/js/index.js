export { connect } from "./connect.js";
export { Troupe } from "./troupe.js";
export { TroupeError } from "./errors.js";
export { json, msgpack } from "./wire.js";
