import type { Catalogue } from "../index.ts";
import { account } from "./account.ts";
import { live } from "./live.ts";
import { operate } from "./operate.ts";
import { registers } from "./registers.ts";
import { shell } from "./shell.ts";

export const de = { ...shell, ...live, ...registers, ...operate, ...account } satisfies Catalogue;
