// A page reaches NATS by a WebSocket alone.

import { ensure } from "./errors.js";

export const connect = () => ensure(false, "servers has to be the address of a WebSocket: ws:// or wss://");
