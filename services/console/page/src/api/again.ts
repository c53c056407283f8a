// A network that changes for a moment, as a phone's does on the stairs to the cellar, costs nobody the page: whatever
// only asks is asked again. A change is never sent twice.
const PAUSES_MS = [200, 800] as const;

/** The answer to `ask`; where nothing came, to the same once more, and again. Throws what was thrown last. */
export async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (const pause of PAUSES_MS) {
    try {
      return await ask();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return ask();
}
