// The bar that says, unmistakably, that what stands below it does not move any more.
import { duration } from "../format.ts";
import { t } from "../i18n/index.ts";
import { useConnection } from "../live/store.ts";
import { Icon } from "../ui/icons.tsx";
import { useTick } from "../ui/hooks.ts";

/** A restart of the console takes less; nobody needs to be alarmed by it. */
const GRACE_MS = 800;

export function ConnectionBar() {
  const connection = useConnection();
  useTick(500);
  const lost = connection.state === "lost" ? Date.now() - connection.since : 0;
  return (
    <div class="connection" role="status">
      {lost > GRACE_MS && connection.state === "lost" && (
        <p class="lost">
          <Icon name="warn" />
          <span>
            {t("connection.lost", { duration: duration(Math.floor(lost / 1000) * 1000) })} {connection.reason}
          </span>
        </p>
      )}
    </div>
  );
}
