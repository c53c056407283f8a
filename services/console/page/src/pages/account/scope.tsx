// What users and tokens may do, to choose and to show.
import type { Grantable } from "../../api/models.ts";
import { t, word } from "../../i18n/index.ts";

const SCOPES: readonly Grantable[] = ["read", "operate", "admin"];
/** Characters of a password. */
export const LEAST = 8;

/** Radio buttons for what somebody may do. */
export function ScopeChoice({ scope, onChange }: { scope: Grantable; onChange: (scope: Grantable) => void }) {
  return (
    <fieldset class="form">
      <legend class="legend">{t("account.may")}</legend>
      {SCOPES.map((one) => (
        <label class="choice">
          <input type="radio" name="scope" checked={scope === one} onChange={() => onChange(one)} />
          <span>
            <strong>{t(`scope.${one}`)}</strong>
            <span class="hint below">{t(`scope.${one}.hint`)}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** The most that these scopes allow, in words. */
export const may = (scopes: readonly string[]): string => word("scope.", SCOPES.findLast((scope) => scopes.includes(scope)) ?? "view");
