// How many certificates wait for a decision: shown beside the navigation's link on every page.
import { useState } from "preact/hooks";
import { useTopic } from "../ui/hooks.ts";

export function usePending(): number {
  const [pending, setPending] = useState(0);
  useTopic<{ pending: number }>("certificates", (change) => setPending(change.pending));
  return pending;
}
