import { account } from "./account.ts";
import { live } from "./live.ts";
import { operate } from "./operate.ts";
import { registers } from "./registers.ts";
import { shell } from "./shell.ts";

export const en = { ...shell, ...live, ...registers, ...operate, ...account } as const;
