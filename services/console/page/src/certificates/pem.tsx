// A certificate as text: pasted, or out of a file.
import { t } from "../i18n/index.ts";
import { Field } from "../ui/basics.tsx";

/** No certificate chain is longer; a film that was chosen by mistake is not read. */
const LARGEST = 100_000;

export interface PemFieldProps {
  label: string;
  value: string;
  onChange: (text: string) => void;
  hint?: string;
}

export function PemField({ label, value, onChange, hint }: PemFieldProps) {
  const read = async (file: File | undefined): Promise<void> => {
    if (file) onChange(file.size > LARGEST ? "" : await file.text());
  };
  return (
    <>
      <Field label={label} hint={hint}>
        {(tie) => (
          <textarea
            {...tie}
            class="mono"
            rows={6}
            value={value}
            maxLength={LARGEST}
            spellcheck={false}
            autoComplete="off"
            placeholder="-----BEGIN CERTIFICATE-----"
            onInput={(event) => onChange(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label={t("ca.add.file")}>
        {(tie) => <input {...tie} type="file" accept=".pem,.crt,.cer" onChange={(event) => void read(event.currentTarget.files?.[0])} />}
      </Field>
    </>
  );
}
