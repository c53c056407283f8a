// What happened, asked for and heard, as one list. Pure.
import type { GatewayEvent } from "../../api/models.ts";

/** As many as the gateway answers at once. */
export const MOST = 500;

/** The events of both, each once, newest first. */
export function merge(now: readonly GatewayEvent[], come: readonly GatewayEvent[]): GatewayEvent[] {
  const known = new Map([...now, ...come].map((event) => [event.id, event]));
  return [...known.values()].sort((one, other) => other.id - one.id).slice(0, MOST);
}
