import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { Lobby } from "./Lobby";

function App() {
  const [name, setName] = useState(new URLSearchParams(location.search).get("name") ?? "");
  const [here, setHere] = useState(name !== "");
  if (here) return <><Lobby name={name} /><button onClick={() => setHere(false)}>Leave</button></>;
  return (
    <form onSubmit={(event) => { event.preventDefault(); setHere(true); }}>
      <label>Your name <input value={name} onChange={(event) => setName(event.target.value)} /></label>
      <button>Come in</button>
    </form>
  );
}

createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);
