// How it stands with the master, renewed by its own word each second.
import type { Push } from "../api/models/push.ts";
import { useResource, useTopic, type Resource } from "../ui/hooks.ts";

export function usePush(): Resource<Push> {
  const push = useResource<Push>("push");
  useTopic<Push>("pushes", (now) => {
    // The event leaves out the registers of the groups, which never change.
    if (push.data) push.set({ ...now, groups: now.groups.length ? now.groups : push.data.groups });
  });
  return push;
}
