import { useState } from "react";
import { useAction, useConnection, useEvent } from "@troupe-go/client/react";
import { bus } from "./bus";
import type { Message } from "./chatRoom";

/** A guest in the lobby. */
export function Lobby({ name }: { name: string }) {
  const lobby = bus.actor("chatRoom", "lobby");
  const [messages, setMessages] = useState<Message[]>([]);
  const [present, setPresent] = useState<string[]>([]);
  const [count, setCount] = useState(0);
  const look = useAction(lobby, "look");

  // The room sends welcome whenever the connection begins: at first, and after its host was gone.
  const { status, error, connection } = useConnection(lobby, { name }, {
    on: {
      welcome: (view) => { setMessages(view.messages); setPresent(view.present); },
      said: (message) => setMessages((all) => [...all, message].slice(-100)),
      present: setPresent,
    },
    onGap: async () => {
      const { data } = await look.call();
      if (data) setMessages(data.messages);
    },
  });
  const deaf = useEvent(lobby, "said", (message) => setCount(message.number)); // as any program hears it, without a connection
  const failed = error ?? deaf;

  return (
    <main>
      <h1>Lobby</h1>
      <p role="status" data-status={status}>{status}, {count} said, here: {present.join(", ")}</p>
      <ol aria-live="polite">{messages.map(({ number, from, text }) => <li key={number}><bdi>{from}</bdi>: <bdi>{text}</bdi></li>)}</ol>
      <Say say={async (text) => { await connection?.call("say", text); }} />
      {failed && <p role="alert">{failed.message}</p>}
    </main>
  );
}

function Say({ say }: { say(text: string): Promise<void> }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  return (
    <form onSubmit={(event) => {
      event.preventDefault();
      setText("");
      say(text).then(() => setProblem(""), (error) => setProblem(error.message));
    }}>
      <label>Message <input value={text} onChange={(event) => setText(event.target.value)} /></label>
      <button>Send</button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}
