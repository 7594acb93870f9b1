import { mkdirSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { EdgeError } from "../error.ts";
import { askControl } from "../thread/control-socket.ts";
import { changeHeld, heldRefusal, readHeldFile, writeHeldFile } from "../thread/hold.ts";
import { addConfigOptions, loadFromCommand } from "./config-option.ts";
import { printJson, printLine, say } from "./output.ts";

export function holdCommand(): Command {
  return switchCommand(
    "hold",
    "Forces HOLD at once, for one symbol or for everything, until it is released.\n" +
      "It survives a restart. Without a run it is in force from the next start.",
  );
}

export function releaseCommand(): Command {
  return switchCommand(
    "release",
    "Lifts a hold: of one symbol, or, without one, of everything that is held.",
  );
}

function switchCommand(verb: "hold" | "release", description: string): Command {
  const command = new Command(verb)
    .description(description)
    .argument("[symbol]", "symbol as in the signals; without it everything", symbolArgument)
    .option("--json", "print JSON")
    .action(async (symbol: string | undefined, options: { json?: true }) => {
      const { dataDirectory, config } = loadFromCommand(command);
      const { heldSymbols } = config.limit;
      await change(dataDirectory, heldSymbols, verb, symbol ?? null, options.json === true);
    });
  return addConfigOptions(command, ["data"]);
}

function symbolArgument(text: string): string {
  if (/^[\x21-\x7e]{1,16}$/.test(text)) return text;
  throw new InvalidArgumentError("A symbol is 1 to 16 printable ASCII characters.");
}

async function change(
  dataDirectory: string,
  symbolsMax: number,
  verb: "hold" | "release",
  symbol: string | null,
  json: boolean,
): Promise<void> {
  const reply = await askControl(dataDirectory, { verb, symbol });
  if (reply !== undefined) {
    if (!reply.ok) throw new EdgeError("HOLD_REFUSED", reply.message, "");
    if (json) printJson({ running: true, pid: reply.pid, held: reply.held });
    else printLine(reply.message);
    return;
  }
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const held = changeHeld(readHeldFile(dataDirectory), symbol, verb === "hold");
  const refusal = verb === "hold" ? heldRefusal(held, symbolsMax) : undefined;
  if (refusal !== undefined) throw new EdgeError("HOLD_REFUSED", refusal, "");
  writeHeldFile(dataDirectory, held);
  if (json) printJson({ running: false, pid: null, held });
  else say(`no run answers on ${dataDirectory}: this is in force from the next start`);
}
