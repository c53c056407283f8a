// Puts a text on the clipboard. Browsers allow it on https and localhost alone; elsewhere the button is not there.
import { t } from "../i18n/index.ts";
import { Button } from "./basics.tsx";
import { attempt } from "./notes.tsx";

export function CopyButton({ text, label }: { text: string; label: string }) {
  if (!isSecureContext) return null;
  return <Button small kind="quiet" icon="copy" label={label} onClick={() => attempt(() => navigator.clipboard.writeText(text), t("copied"))} />;
}
