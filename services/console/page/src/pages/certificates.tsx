// Certificates: who may connect, the authorities that vouch for others, and our own.
import { AuthorityFolder } from "../certificates/authorities.tsx";
import { CertificateList } from "../certificates/list.tsx";
import { OwnCertificates } from "../certificates/own.tsx";
import { t } from "../i18n/index.ts";
import { PageHead } from "../ui/basics.tsx";

export default function Page() {
  return (
    <>
      <PageHead title={t("cert.title")} lead={t("cert.intro")} />
      <CertificateList />
      <OwnCertificates />
      <AuthorityFolder />
    </>
  );
}
