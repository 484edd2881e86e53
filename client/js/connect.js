// The way in: a connection with NATS that suits actors, in Node and in browsers.

import { wsconnect } from "@nats-io/nats-core";
import { aborted, handOver, sleep, troupeError, warnOnce } from "./errors.js";

// A page notices within 7.5 s that its path is gone, as when a phone changes networks: the socket alone would tell after
// minutes. A browser also waits with the end of a socket for the other end, which does not answer.
const web = { pingInterval: 2500, maxPingOut: 2, ignoreClusterUpdates: true, wsFactory: (url) => ({ socket: brisk(url), encrypted: url.startsWith("wss:") }) };

// brisk makes a WebSocket that is closed when we close it.
function brisk(url) {
  const socket = new WebSocket(url);
  let closed = false;
  Object.defineProperties(socket, {
    bufferedAmount: { value: 0 }, // nobody waits for it
    close: { value: () => {
      if (closed) return;
      closed = true;
      WebSocket.prototype.close.call(socket);
      socket.onclose?.({ wasClean: true });
    } },
  });
  return socket;
}

/** Connects, and makes a client of a class. */
export async function dial(Client, { namespace, codec, timeout, onError = warnOnce(), signal, servers, ...options } = {}) {
  const page = [servers].flat().every((url) => /^wss?:/.test(url));
  const what = `connecting with ${servers ?? "NATS"}`;
  let nc;
  try {
    const connect = page ? wsconnect : (await import("#tcp")).connect;
    while (!nc) {
      if (signal?.aborted) throw aborted(signal, what);
      try {
        nc = await connect({
          // It never gives up, and neither does it when its credentials have run out: those that replace them may be late.
          maxReconnectAttempts: -1, reconnectTimeWait: 500, reconnectJitter: 500, reconnectJitterTLS: 500, ignoreAuthErrorAbort: true,
          timeout: 5000, ...(page ? web : { pingInterval: 10_000 }), servers, ...options,
        });
      } catch (error) {
        const failed = troupeError(error, what);
        if (failed.code !== "unavailable") throw failed;
        handOver(onError, failed);
        await sleep(500);
      }
    }
    return new Client(nc, { namespace, codec, timeout, onError, own: true });
  } catch (error) {
    await nc?.close();
    throw troupeError(error, what);
  }
}
