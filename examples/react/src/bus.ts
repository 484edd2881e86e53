// The way to the actors: one for all components.

import { connect } from "@troupe-go/client";
import type { ChatRoomContract } from "./chatRoom";

/** The actor types that this program knows: each by a file that `troupe schema TYPE --typescript` has written. */
interface Actors { chatRoom: ChatRoomContract }

const servers = new URLSearchParams(location.search).get("bus") ?? "ws://127.0.0.1:8222";

export const bus = await connect<Actors>({ servers });
