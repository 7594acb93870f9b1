/** The program as people meet it: the compiled binary, run from an empty folder. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { commandTable } from "../../src/command/table.ts";
import { binaryPath, run } from "../support/binary.ts";
import { emptyDirectory } from "../support/directory.ts";

describe("help", () => {
  test("nothingAskedShowsTheHelpOnStderrAndFails", async () => {
    const { code, stdout, stderr } = await run([]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("Usage: hftedge");
  });

  test("helpNamesEveryCommand", async () => {
    const { code, stdout } = await run(["help"]);
    expect(code).toBe(0);
    for (const { name, summary } of commandTable) {
      expect(stdout).toMatch(new RegExp(`^  ${name} `, "m"));
      expect(stdout.replace(/\s+/g, " ")).toContain(summary);
    }
  });

  test("everyCommandHasHelpOfItsOwn", async () => {
    for (const { name } of commandTable) {
      const [byWord, byFlag] = [await run(["help", name]), await run([name, "--help"])];
      expect([byWord.code, byFlag.code], name).toEqual([0, 0]);
      expect(byWord.stdout, name).toStartWith(`Usage: hftedge ${name}`);
      expect(byWord.stdout, name).toBe(byFlag.stdout);
    }
  });

  test("unknownCommandNamesTheNearest", async () => {
    const { code, stderr } = await run(["confg"]);
    expect(code).toBe(1);
    expect(stderr).toContain("unknown command 'confg'");
    expect(stderr).toContain("Did you mean config?");
  });

  test("unknownFlagNamesTheNearest", async () => {
    const { code, stderr } = await run(["config", "print", "--orgins"]);
    expect(code).toBe(1);
    expect(stderr).toContain("Did you mean --origins?");
  });
});

describe("version", () => {
  test("flagAndCommandAgree", async () => {
    const [flag, command] = [await run(["--version"]), await run(["version"])];
    expect(flag).toEqual(command);
    expect(command.stdout).toStartWith(`hftedge ${manifest.version}\n`);
  });

  test("jsonHasTheBuildFacts", async () => {
    const facts = JSON.parse((await run(["version", "--json"])).stdout);
    expect(facts).toMatchObject({ version: manifest.version, bun: Bun.version });
    expect(facts.commit).toMatch(/^[0-9a-f]{12}(?:-dirty)?$|^unknown$/);
  });
});

describe("config", () => {
  test("fiveMistakesAreFiveLinesAndExitCodeOne", async () => {
    const { code, stdout, stderr } = await run(
      ["config", "check", "--signal-ttl-ms", "0", "--feed", "udp://127.0.0.1:99999"],
      { env: { HFTEDGE_LOG_LEVEL: "loud", HFTEDGE_HTTP_LISTEN: "8080", HFTEDGE_HTPP: "1" } },
    );
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("the configuration has 5 mistakes");
    expect(stderr.split("\n").filter((line) => /^ {2}\S+.* \(.+\): /.test(line))).toHaveLength(5);
    expect(stderr).toContain('http.listen = "8080" (HFTEDGE_HTTP_LISTEN): is not HOST:PORT.');
    expect(stderr).not.toContain("    at ");
  });

  test("rulesThatNameNothingOrTheSameTwiceAreFoundByTheCheckAndByTheStart", async () => {
    using folder = emptyDirectory();
    writeFileSync(
      join(folder.path, "hftedge.toml"),
      [
        ["one", "stage", "cache_acces"],
        ["good", "above", "hftedge_pending_states"],
        ["two", "event", "hftedge_pending_states"],
        ["good", "above", "hftedge_pending_states"],
        ["three", "stage", "total_pipeline"],
      ]
        .map(
          ([name, kind, of]) => `[[alert.rule]]\nname = "${name}"\nkind = "${kind}"\nof = "${of}"`,
        )
        .join("\n"),
    );
    for (const args of [["config", "check"], ["run"]]) {
      const { code, stderr } = await run(args, { cwd: folder.path });
      expect(code).toBe(1);
      expect(stderr).toContain("the configuration has 4 mistakes");
      expect(stderr).toContain('names the unknown stage "cache_acces"');
      expect(stderr).toMatch(
        /alert\.rule\[2\] = "two" .*: names "hftedge_pending_states", which is no counter/,
      );
      expect(stderr).toMatch(/alert\.rule\[3\] = "good" .*: is defined twice/);
      expect(stderr).toContain("which has a threshold already");
    }
  });

  test("mistakesAsJson", async () => {
    const { code, stdout } = await run(["config", "check", "--json", "--log-level", "loud"]);
    expect(code).toBe(1);
    const { error } = JSON.parse(stdout);
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.mistakes).toHaveLength(1);
    expect(error.mistakes[0]).toMatchObject({ key: "log.level", where: "--log-level" });
  });

  test("originsNameTheWinner", async () => {
    const { stdout } = await run(["config", "print", "--origins", "--log-level=warn"], {
      env: { HFTEDGE_LOG_FORMAT: "json", HFTEDGE_LOG_LEVEL: "debug" },
    });
    expect(stdout).toMatch(/^log\.level +warn +--log-level$/m);
    expect(stdout).toMatch(/^log\.format +json +HFTEDGE_LOG_FORMAT$/m);
    expect(stdout).toMatch(/^signal\.emit +change +default$/m);
  });

  test("initChecksAndChangesNothing", async () => {
    const init = await run(["config", "init"]);
    using folder = emptyDirectory();
    writeFileSync(join(folder.path, "hftedge.toml"), init.stdout);
    const { code, stdout } = await run(["config", "print", "--json"], { cwd: folder.path });
    expect(code).toBe(0);
    expect(stdout).toBe((await run(["config", "print", "--json"])).stdout);
  });

  test("secretIsMasked", async () => {
    const env = { HFTEDGE_HTTP_TOKEN: "0123456789abcdef" };
    for (const flags of [[], ["--json"], ["--json", "--origins"]]) {
      const { code, stdout } = await run(["config", "print", ...flags], { env });
      expect(code).toBe(0);
      expect(stdout).not.toContain("0123456789abcdef");
      expect(stdout).toContain("********");
    }
  });

  test("secretOfAFeedIsMaskedToo", async () => {
    const feed = "udp://127.0.0.1:1?format=itch50&snapshotPassword=geheim";
    for (const flags of [[], ["--json"], ["--json", "--origins"]]) {
      const { code, stdout } = await run(["config", "print", ...flags, "--feed", feed]);
      expect(code).toBe(0);
      expect(stdout).not.toContain("geheim");
      expect(stdout).toContain("********");
    }
  });

  test("fileOfTheCurrentFolderIsRead", async () => {
    using folder = emptyDirectory();
    writeFileSync(join(folder.path, "hftedge.toml"), "[signal]\nttlMs = 77\n");
    const { stdout } = await run(["config", "print"], { cwd: folder.path });
    expect(stdout).toMatch(/^signal\.ttlMs +77$/m);
  });
});

describe("output that takes nothing", () => {
  for (const args of ["version", "help", "config schema"]) {
    test(`fullDiskIsOneClearLine: ${args}`, async () => {
      const shell = Bun.spawn(["bash", "-c", `exec "$0" ${args} > /dev/full`, binaryPath()], {
        stdout: "ignore",
        stderr: "pipe",
        env: { PATH: process.env["PATH"] ?? "" },
      });
      const words = await new Response(shell.stderr).text();
      expect(words).toStartWith("hftedge: cannot write to stdout: ENOSPC\n");
      expect(await shell.exited).toBe(1);
    });
  }
});

test("readerThatLeavesIsNoError", async () => {
  const shell = Bun.spawn(
    ["bash", "-c", `set -o pipefail; "${binaryPath()}" config schema | head -c 10 > /dev/null`],
    { stdout: "ignore", stderr: "pipe", env: { PATH: process.env["PATH"] ?? "" } },
  );
  expect(await new Response(shell.stderr).text()).toBe("");
  expect(await shell.exited).toBe(0);
});

test("environmentFilesOfTheFolderAreNotLoaded", async () => {
  using folder = emptyDirectory();
  writeFileSync(join(folder.path, ".env"), "HFTEDGE_SIGNAL_TTL_MS=78\n");
  writeFileSync(join(folder.path, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  writeFileSync(join(folder.path, "evil.ts"), 'throw new Error("preloaded")\n');
  const { code, stdout } = await run(["config", "print"], { cwd: folder.path });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^signal\.ttlMs +5000$/m);
});
