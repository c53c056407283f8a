// What a search finds in the map. Pure.
import type { Register } from "../../api/models.ts";

/** Whether a register is what somebody looks for: part of its name, OBIS code or unit, or an address that it covers. */
export function matches(register: Register, sought: string): boolean {
  const text = sought.trim().toLowerCase();
  if (!text) return true;
  const at = /^(0x[0-9a-f]+|\d+)$/.test(text) ? Number(text) : NaN;
  if (at >= register.address && at < register.address + register.count) return true;
  const name = register.name.toLowerCase();
  return (
    text.split(/\s+/).every((part) => name.includes(part) || name.replaceAll("_", " ").includes(part)) ||
    register.obis.includes(text) ||
    register.unit.toLowerCase() === text
  );
}
