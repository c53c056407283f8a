// Account: one's own password, who else may sign in, who is signed in, and the tokens of programs.
import { session, useMay } from "../../api/session.ts";
import { dateTime, NOTHING } from "../../format.ts";
import { t, word } from "../../i18n/index.ts";
import { useStore } from "../../store.ts";
import { Card, Facts, Loading, PageHead } from "../../ui/basics.tsx";
import { Password } from "./password.tsx";
import { Sessions } from "./sessions.tsx";
import { Tokens } from "./tokens.tsx";
import { Users } from "./users.tsx";

export default function AccountPage() {
  const who = useStore(session);
  const admin = useMay("admin");
  if (!who) return <Loading />;
  return (
    <>
      <PageHead title={t("nav.account")} />
      <div class="columns">
        <Password first={!who.password_set} />
        {who.state === "user" && (
          <Card title={t("account.you")}>
            <Facts
              rows={[
                [t("sign.user"), who.user],
                [t("account.may"), who.scopes.filter((scope) => scope !== "view").map((scope) => word("scope.", scope)).join(", ")],
                [t("account.until"), dateTime(who.expires)],
                [t("account.host"), who.gateway?.host ?? NOTHING],
              ]}
            />
          </Card>
        )}
      </div>
      {who.state === "user" && <Sessions />}
      {admin && <Users />}
      {admin && <Tokens />}
    </>
  );
}
