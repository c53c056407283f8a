// Whether a fingerprint that somebody pasted from a device is this one. Pure, so that it is tested alone.

export type Comparison = "none" | "equal" | "differs" | "incomplete" | "unreadable";

/** Devices write it with colons, blanks, a name before it, in either case: only its hex digits count. */
export function compare(fingerprint: string, pasted: string): Comparison {
  const text = pasted.trim().replace(/^.*[=]/s, "").replace(/[\s:.-]/g, "").toLowerCase();
  if (!text) return "none";
  if (!/^[0-9a-f]+$/.test(text)) return "unreadable";
  if (text.length === fingerprint.length) return text === fingerprint.toLowerCase() ? "equal" : "differs";
  return text.length < fingerprint.length && fingerprint.toLowerCase().startsWith(text) ? "incomplete" : "differs";
}
