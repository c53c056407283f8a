// How many certificates wait for a decision: shown beside the navigation's link on every page.
import { useState } from "preact/hooks";
import type { CertificatesChanged } from "../api/models.ts";
import { useTopic } from "../ui/hooks.ts";

export function usePending(): number {
  const [pending, setPending] = useState(0);
  useTopic<CertificatesChanged>("certificates", (change) => setPending(change.pending));
  return pending;
}
