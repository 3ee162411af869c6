// What the page asks of the server: deeds, one by one, and a view that the server keeps up to date.

export async function about() {
  return (await fetch("/about")).json();
}

/** Do something as somebody in a channel; the answer says what came of it, under `error` why nothing did. */
export async function act(who, channel, action, more = {}) {
  try {
    const reply = await fetch("/deeds", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ who, channel, do: action, ...more }),
    });
    return reply.ok ? await reply.json() : { error: `The demo refused this (${reply.status}).` };
  } catch {
    return { error: "The demo has ended; start it again and load this page anew." };
  }
}

/** Look at channels through one connection, which is made anew when it breaks. */
export class Watch {
  constructor(tell) {
    this.tell = tell;
    this.order = null;
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(`ws://${location.host}/view`);
    this.socket.addEventListener("open", () => this.order && this.send(this.order));
    this.socket.addEventListener("message", (event) => this.tell(JSON.parse(event.data)));
    this.socket.addEventListener("close", () => setTimeout(() => this.connect(), 1000));
  }

  look(who, channel) {
    this.order = { who, channel };
    this.send(this.order);
  }

  dismiss(message) {
    this.send({ dismiss: message });
  }

  send(order) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(order));
  }
}
