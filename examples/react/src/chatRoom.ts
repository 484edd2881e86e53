// The contract of the actor type chatRoom, made by "troupe schema". Integers beyond 2^53 are of the type bigint.

export interface Guest {
  name: string;
}

export interface View {
  messages: Array<Message>;
  count: number;
  present: Array<string>;
}

export interface Message {
  number: number;
  from: string;
  text: string;
  at: Date;
  bot?: boolean;
}

/** What programs need to know of the actor type chatRoom. */
export interface ChatRoomContract {
  actions: {
    look: { in: null; out: View };
    recap: { in: null; out: null; items: string };
    say: { in: string; out: Message };
  };
  events: {
    present: Array<string>;
    said: Message;
    welcome: View;
  };
  queues: {
  };
  create: null;
  connect: Guest;
}
