// The grammar of server-sent events: bytes as they come in, whole events out. Pure, so that it is tested alone.

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

export class EventParser {
  #rest = "";
  #id = "";
  #event = "";
  #data: string[] = [];

  /** All events that `text` completes. A line that is cut off waits for its rest. */
  feed(text: string): ServerEvent[] {
    const made: ServerEvent[] = [];
    let buffer = this.#rest + text;
    // A lone CR ends a line too, but at the end of the text its LF may follow.
    const held = buffer.endsWith("\r") ? "\r" : "";
    if (held) buffer = buffer.slice(0, -1);
    const lines = buffer.split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + held;
    for (const line of lines) {
      if (line === "") this.#finish(made);
      else this.#line(line);
    }
    return made;
  }

  #line(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment: the server shows that it lives
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
  }

  #finish(made: ServerEvent[]): void {
    if (this.#data.length) made.push({ id: this.#id, event: this.#event || "message", data: this.#data.join("\n") });
    this.#event = "";
    this.#data = [];
  }
}
