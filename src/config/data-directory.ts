import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Where state is kept: what the configuration says, else systemd's $STATE_DIRECTORY, else
 * /var/lib/hftedge for root, else ~/.local/state/hftedge ($XDG_STATE_HOME honoured).
 */
export function dataDirectory(
  configured: string,
  env: Readonly<Record<string, string | undefined>>,
  userId: number,
): string {
  if (configured !== "") return resolve(configured);
  // systemd gives a list with colons when a unit has several; the first one is ours.
  const given = env["STATE_DIRECTORY"]?.split(":")[0];
  if (given !== undefined && given !== "") return given;
  if (userId === 0) return "/var/lib/hftedge";
  const state = env["XDG_STATE_HOME"];
  const base = state?.startsWith("/") === true ? state : join(homeOf(env), ".local/state");
  return join(base, "hftedge");
}

function homeOf(env: Readonly<Record<string, string | undefined>>): string {
  const home = env["HOME"];
  return home !== undefined && home !== "" ? home : homedir();
}
