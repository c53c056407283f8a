// The pages, in the order of the navigation. Each is a file of its own, loaded when it is first shown. To add one: a
// line here, its words under `nav.` in both catalogues, and a file whose default export is the component.
import type { ComponentType } from "preact";
import { again } from "./api/again.ts";
import type { Scope } from "./api/models.ts";
import type { IconName } from "./ui/icons.tsx";

export interface Page {
  id: string;
  icon: IconName;
  /** What is needed to see it; `read` where nothing is said. */
  scope?: Scope;
  load: () => Promise<{ default: ComponentType }>;
}

export const PAGES = [
  { id: "live", icon: "live", scope: "view", load: () => import("./pages/live/index.tsx") },
  { id: "modbus", icon: "modbus", load: () => import("./pages/modbus.tsx") },
  { id: "advanced", icon: "advanced", load: () => import("./pages/advanced.tsx") },
  { id: "certificates", icon: "certificates", load: () => import("./pages/certificates.tsx") },
  { id: "clients", icon: "clients", load: () => import("./pages/clients.tsx") },
  { id: "registers", icon: "registers", load: () => import("./pages/registers/index.tsx") },
  { id: "processes", icon: "processes", load: () => import("./pages/processes.tsx") },
  { id: "bus", icon: "bus", load: () => import("./pages/bus.tsx") },
  { id: "events", icon: "events", load: () => import("./pages/events/index.tsx") },
  { id: "settings", icon: "settings", load: () => import("./pages/settings.tsx") },
  { id: "account", icon: "account", scope: "view", load: () => import("./pages/account/index.tsx") },
] as const satisfies readonly Page[];

export type PageId = (typeof PAGES)[number]["id"];
export const FIRST: PageId = "live";

/** Stand at the bottom of a phone; the others are behind "More". */
export const ON_PHONE: readonly PageId[] = ["live", "modbus", "certificates", "clients"];

const loaded = new Map<string, ComponentType>();

/** The component of a page whose file is here already. */
export const pageHere = (id: string): ComponentType | undefined => loaded.get(id);

/** Fetch a page's file; undefined where there is no such page. Throws where it does not come. */
export async function loadPage(id: string): Promise<ComponentType | undefined> {
  const page = PAGES.find((one) => one.id === (id || FIRST));
  if (!page) return undefined;
  const { default: component } = await again(page.load);
  loaded.set(page.id, component);
  return component;
}
