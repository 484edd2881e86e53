export { connect } from "./connect.js";
export { Troupe } from "./troupe.js";
export { json, msgpack, TroupeError } from "./wire.js";
