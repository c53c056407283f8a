import { certificates } from "./certificates.ts";
import { clients } from "./clients.ts";
import { modbus } from "./modbus.ts";
import { settings } from "./settings.ts";
import { shell } from "./shell.ts";

export const en = { ...shell, ...modbus, ...certificates, ...clients, ...settings } as const;
