import { Command } from "commander";
import { EdgeError } from "../error.ts";
import { alignColumns, print, printJson } from "./output.ts";

declare const BUILD_NOTICE: string | undefined;

interface Notice {
  name: string;
  version: string;
  license: string;
  text: string;
}

export function licensesCommand(): Command {
  return new Command("licenses")
    .description("Prints what is inside this program, and the licence texts that come with it.")
    .option("--list", "print names, versions and licences only")
    .option("--json", "print JSON")
    .action(({ list, json }: { list?: true; json?: true }) => {
      const notices = embeddedNotices();
      if (json) return printJson(list ? notices.map(withoutText) : notices);
      if (list) {
        return print(`${alignColumns(notices.map((n) => [n.name, n.version, n.license]))}\n`);
      }
      const rule = "-".repeat(80);
      print(
        notices
          .map((n) => `${rule}\n${n.name} ${n.version} (${n.license})\n${rule}\n${n.text}\n`)
          .join("\n"),
      );
    });
}

function withoutText({ name, version, license }: Notice): Omit<Notice, "text"> {
  return { name, version, license };
}

function embeddedNotices(): Notice[] {
  if (typeof BUILD_NOTICE === "string") return JSON.parse(BUILD_NOTICE) as Notice[];
  throw new EdgeError(
    "NOT_COMPILED",
    "the notices are put in by the build, and this runs from source",
    "Build it with `bun run build`, then run: ./hftedge licenses",
  );
}
