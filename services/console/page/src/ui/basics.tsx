// The small parts that every page is made of.
import type { ComponentChildren, TargetedEvent } from "preact";
import { useId, useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { Icon, type IconName } from "./icons.tsx";

export type Tone = "neutral" | "good" | "warn" | "bad" | "info";

const TONE_ICONS: Partial<Record<Tone, IconName>> = { good: "check", warn: "warn", bad: "cross" };

/** A state in one word. Its colour only repeats what word and picture say. */
export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ComponentChildren }) {
  const icon = TONE_ICONS[tone];
  return (
    <span class={`badge ${tone}`}>
      {icon && <Icon name={icon} size={14} />}
      {children}
    </span>
  );
}

export interface ButtonProps {
  children?: ComponentChildren;
  /** May return a promise: while it lasts, the button waits. */
  onClick?: () => unknown;
  kind?: "plain" | "primary" | "danger" | "quiet";
  icon?: IconName;
  /** What it does, where no words stand on it. */
  label?: string;
  disabled?: boolean;
  /** Why it cannot be used now; disables it, but leaves it in reach of the keyboard, so that the reason is found. */
  because?: string | undefined;
  type?: "button" | "submit";
  small?: boolean;
}

export function Button(props: ButtonProps) {
  const [busy, setBusy] = useState(false);
  const { kind = "plain", type = "button", because } = props;
  // A button that waits keeps the focus: a disabled one would lose it, and a dialog could not give it back.
  const still = Boolean(because || busy);
  const click = async (event: Event): Promise<void> => {
    if (still) return event.preventDefault();
    const made = props.onClick?.();
    if (!(made instanceof Promise)) return;
    setBusy(true);
    try {
      await made;
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type={type}
      class={`button ${kind}${props.small ? " small" : ""}${props.children ? "" : " only-icon"}`}
      disabled={props.disabled}
      aria-disabled={still || undefined}
      aria-busy={busy || undefined}
      aria-label={props.label}
      title={because || props.label}
      onClick={(event) => void click(event)}
    >
      {props.icon && <Icon name={props.icon} size={18} />}
      {props.children}
    </button>
  );
}

export interface SwitchProps {
  label: ComponentChildren;
  hint?: ComponentChildren;
  checked: boolean;
  /** A promise keeps the switch busy; it shows the new state only once `checked` says so. */
  onChange: (checked: boolean) => unknown;
  disabled?: boolean;
  because?: string | undefined;
}

export function Switch({ label, hint, checked, onChange, disabled, because }: SwitchProps) {
  const id = useId();
  const [busy, setBusy] = useState(false);
  const still = Boolean(because || busy);
  const change = async (event: TargetedEvent<HTMLInputElement>): Promise<void> => {
    const wanted = event.currentTarget.checked;
    event.currentTarget.checked = checked;
    const made = onChange(wanted);
    if (!(made instanceof Promise)) return;
    setBusy(true);
    try {
      await made;
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="switch-row">
      <label class="switch" title={because}>
        <input
          type="checkbox"
          role="switch"
          checked={checked}
          disabled={disabled}
          aria-disabled={still || undefined}
          aria-busy={busy || undefined}
          aria-describedby={hint ? id : undefined}
          onClick={(event) => still && event.preventDefault()}
          onChange={(event) => void change(event)}
        />
        <span class="switch-track" aria-hidden="true" />
        <span class="switch-label">{label}</span>
      </label>
      {hint && (
        <p class="hint" id={id}>
          {hint}
        </p>
      )}
    </div>
  );
}

export interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  /** Gets the attributes that tie an input to its label, hint and error. */
  children: (tie: { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean }) => ComponentChildren;
}

export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const told = [hint && `${id}h`, error && `${id}e`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": told || undefined, "aria-invalid": Boolean(error) })}
      {hint && (
        <p class="hint" id={`${id}h`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="error-text" id={`${id}e`}>
          {error}
        </p>
      )}
    </div>
  );
}

export interface CardProps {
  title?: ComponentChildren;
  /** At the right of the title. */
  actions?: ComponentChildren;
  children: ComponentChildren;
  id?: string;
  className?: string;
}

export function Card({ title, actions, children, id, className = "" }: CardProps) {
  const heading = useId();
  return (
    <section class={`card ${className}`} id={id} aria-labelledby={title ? heading : undefined}>
      {(title || actions) && (
        <header class="card-head">
          {title && <h2 id={heading}>{title}</h2>}
          {actions && <div class="actions">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

/** The head of a page: its one h1, a sentence, and what can be done with the whole page. */
export function PageHead({ title, lead, children }: { title: string; lead?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <header class="page-head">
      <div>
        <h1 tabIndex={-1}>{title}</h1>
        {lead && <p class="lead">{lead}</p>}
      </div>
      {children && <div class="actions">{children}</div>}
    </header>
  );
}

export function Notice({ tone = "info", children, actions }: { tone?: Tone; children: ComponentChildren; actions?: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : undefined}>
      {tone !== "neutral" && <Icon name={tone === "good" ? "check" : tone === "info" ? "info" : "warn"} />}
      <div class="notice-text">{children}</div>
      {actions && <div class="actions">{actions}</div>}
    </div>
  );
}

/** What stands where a list is empty: what would be here, and how it comes. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Loading() {
  return (
    <p class="empty" role="status">
      {t("loading")}
    </p>
  );
}

/** Names and values beside each other. */
export function Facts({ rows }: { rows: readonly (readonly [ComponentChildren, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
