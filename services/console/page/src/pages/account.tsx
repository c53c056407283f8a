import { t } from "../i18n/index.ts";
import { Loading, PageHead } from "../ui/basics.tsx";

export default function Page() {
  return (
    <>
      <PageHead title={t("nav.account")} />
      <Loading />
    </>
  );
}
