// The bar that says, unmistakably, that what stands below it does not move any more.
import { duration } from "../format.ts";
import { t } from "../i18n/index.ts";
import { useConnection } from "../live/store.ts";
import { Icon } from "../ui/icons.tsx";
import { useTick } from "../ui/hooks.ts";

/** A restart of the console takes less; nobody needs to be alarmed by it. */
const GRACE_MS = 800;

/** What is read aloud says nothing that moves: how long it has been so would be read again each second. */
export function ConnectionBar() {
  const connection = useConnection();
  useTick(500);
  const ms = connection.state === "lost" ? Date.now() - connection.since : 0;
  const lost = connection.state === "lost" && ms > GRACE_MS;
  return (
    <div class={`connection${lost ? " lost" : ""}`} {...(lost ? { role: "region", "aria-label": t("connection") } : {})}>
      {lost && <Icon name="warn" />}
      <p role="status">{lost && `${t("connection.lost")} ${connection.reason}`.trim()}</p>
      {lost && <p class="num">{t("connection.since", { duration: duration(Math.max(1000, Math.floor(ms / 1000) * 1000)) })}</p>}
    </div>
  );
}
