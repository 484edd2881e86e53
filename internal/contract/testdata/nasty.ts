// The contract of the actor type Date*/evil(); /*, made by "troupe schema". Integers beyond 2^53 are of the type bigint.

export interface Date_2 {
  /** * / evil() /* more */
  b?: boolean;
  a: unknown;
}

export type _1_date = string;

export type Date_ = number;

/** What programs need to know of the actor type Date* /evil(); /*. */
export interface Date__evil______Contract {
  actions: {
    "a\"b\n": { in: Date_2; out: unknown; result: unknown };
  };
  events: {
    "e\u2028vil": {
      "in line"?: Date;
    };
  };
  queues: {
    q: Record<string, Array<number>>;
  };
  create: Uint8Array | null;
  connect: null;
}
