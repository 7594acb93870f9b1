/** Applies or reverts in a root and is killed right after its N-th change: ROOT PROFILE VERB N. */
import { apply } from "../../../src/tune/apply.ts";
import { revert } from "../../../src/tune/revert.ts";
import type { Profile } from "../../../src/tune/setting.ts";
import { FakeMachine } from "./fake-machine.ts";
import { request } from "./fake-server.ts";

const [root = "", profile = "safe", verb = "apply", at = "0"] = process.argv.slice(2);
const machine = new FakeMachine(root, { PATH: "/usr/bin" });
machine.ollamaModels = '{"models":[]}';
machine.onMutation = (count) => {
  if (count === Number(at)) process.kill(process.pid, "SIGKILL");
};
if (verb === "revert") await revert(machine, { restart: false, force: false });
else {
  const choice = { restart: false, confirmByMs: null };
  await apply(machine, request({ profile: profile as Profile }), choice);
}
