import type { Catalogue } from "../index.ts";
import { shell } from "./shell.ts";

export const de = { ...shell } satisfies Catalogue;
