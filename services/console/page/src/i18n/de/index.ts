import type { Catalogue } from "../index.ts";
import { account } from "./account.ts";
import { certificates } from "./certificates.ts";
import { clients } from "./clients.ts";
import { live } from "./live.ts";
import { modbus } from "./modbus.ts";
import { operate } from "./operate.ts";
import { registers } from "./registers.ts";
import { settings } from "./settings.ts";
import { shell } from "./shell.ts";

export const de = {
  ...account,
  ...certificates,
  ...clients,
  ...live,
  ...modbus,
  ...operate,
  ...registers,
  ...settings,
  ...shell,
} satisfies Catalogue;
