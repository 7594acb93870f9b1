import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, originOf, type LoadInput } from "../../src/config/load.ts";
import { ConfigError } from "../../src/config/mistake.ts";
import { EdgeError } from "../../src/error.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hftedge-config-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

interface Given {
  toml?: string;
  env?: LoadInput["env"];
  flags?: LoadInput["flags"];
}

function load({ toml, env = {}, flags = {} }: Given) {
  if (toml !== undefined) writeFileSync(join(directory, "hftedge.toml"), toml);
  return loadConfig({ flags, env, directory, userId: 1000, systemFile: join(directory, "none") });
}

function mistakesOf(input: Given) {
  try {
    load(input);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

function keysOf(...feed: string[]) {
  return mistakesOf({ flags: { feed } }).map(({ key }) => key);
}

describe("precedence", () => {
  const toml = '[http]\nlisten = "127.0.0.1:1"\n[signal]\nttlMs = 7\nmaxAgeMs = 8\n';
  test("flagOverEnvironmentOverFileOverDefault", () => {
    const { config, origins } = load({
      toml,
      env: { HFTEDGE_HTTP_LISTEN: "127.0.0.1:2", HFTEDGE_SIGNAL_TTL_MS: "9" },
      flags: { "http.listen": "127.0.0.1:3" },
    });
    expect(config.http.listen).toBe("127.0.0.1:3");
    expect(config.signal).toMatchObject({ ttlMs: 9, maxAgeMs: 8, emit: "change" });
    expect(originOf(origins, "http.listen")).toEqual({ kind: "flag", where: "--http-listen" });
    expect(originOf(origins, "signal.ttlMs").where).toBe("HFTEDGE_SIGNAL_TTL_MS");
    expect(originOf(origins, "signal.maxAgeMs").where).toBe(`${directory}/hftedge.toml:5`);
    expect(originOf(origins, "signal.emit").kind).toBe("default");
  });

  test("emptyVariableCountsAsUnset", () => {
    const { config } = load({ toml, env: { HFTEDGE_HTTP_LISTEN: "" } });
    expect(config.http.listen).toBe("127.0.0.1:1");
  });

  test("namedFileReplacesTheLocalOne", () => {
    const other = join(directory, "other.toml");
    writeFileSync(other, "[signal]\nttlMs = 11\n");
    expect(load({ toml, flags: { config: other } }).config.signal.ttlMs).toBe(11);
    expect(load({ toml, env: { HFTEDGE_CONFIG: other } }).config.signal.ttlMs).toBe(11);
  });

  test("nothingGivenIsOneTickFeedOnLoopback", () => {
    const { config, file } = load({});
    expect(file).toBeNull();
    expect(config.feed).toHaveLength(1);
    expect(config.feed[0]).toMatchObject({
      name: "tick",
      format: "tick",
      lines: ["udp://127.0.0.1:26400"],
    });
    expect(config.sink[0]?.url).toBe("stdout://");
  });
});

describe("feeds and sinks from text", () => {
  test("urlCarriesAnyKeyOfAFeed", () => {
    const url =
      "udp://233.54.12.111:26400?format=itch50&name=nasdaq&interface=eth1&silenceMs=500&symbols=AAPL,MSFT";
    const { config } = load({
      env: { HFTEDGE_FEED: `${url},udp://127.0.0.1:7?tickSizes=A%3D0.05` },
    });
    expect(config.feed).toHaveLength(2);
    expect(config.feed[0]).toMatchObject({
      name: "nasdaq",
      format: "itch50",
      silenceMs: 500,
      symbols: ["AAPL", "MSFT"],
      lines: ["udp://233.54.12.111:26400?interface=eth1"],
    });
    expect(config.feed[1]).toMatchObject({ name: "tick", tickSizes: { A: 0.05 } });
  });

  test("secondUrlOfANameIsItsSecondLine", () => {
    const { config } = load({
      flags: { feed: ["udp://1.1.1.1:1?name=x&format=iex", "udp://1.1.1.1:2?name=x"] },
    });
    expect(config.feed).toHaveLength(1);
    expect(config.feed[0]).toMatchObject({
      format: "iex",
      lines: ["udp://1.1.1.1:1", "udp://1.1.1.1:2"],
    });
  });

  test("flagReplacesTheWholeListOfTheFile", () => {
    const toml = '[[feed]]\nname = "a"\nsilenceMs = 1\n[[feed]]\nname = "b"\n';
    const { config } = load({ toml, flags: { feed: ["udp://127.0.0.1:9"] } });
    expect(config.feed.map(({ name }) => name)).toEqual(["tick"]);
  });

  test("nothingBehindASecondQuestionMarkIsLost", () => {
    const feed = "udp://1.1.1.1:1?format=itch50&snapshotPassword=ab?cd&silenceMs=500";
    const { config } = load({ flags: { feed: [feed] } });
    expect(config.feed[0]).toMatchObject({ snapshotPassword: "ab?cd", silenceMs: 500 });
    expect(keysOf("udp://1.1.1.1:1?interface=eth0?x&source=1.2.3.4")).toEqual(["feed[0].lines[0]"]);
    const sink = "udp://1.1.1.1:2?interface=a?b&heartbeatMs=250";
    expect(load({ flags: { sink: [sink] } }).config.sink[0]).toEqual({
      url: "udp://1.1.1.1:2?interface=a?b",
      heartbeatMs: 250,
    });
  });

  test("symbolsThatEndInASignOfEqualityHaveTickSizes", () => {
    const { config } = load({ flags: { feed: ["udp://1.1.1.1:1?tickSizes=ABC==0.5,AAPL=0.01"] } });
    expect(config.feed[0]).toMatchObject({ tickSizes: { "ABC=": 0.5, AAPL: 0.01 } });
    const [mistake] = mistakesOf({ flags: { feed: ["udp://1.1.1.1:1?tickSizes=ABC"] } });
    expect(mistake).toMatchObject({ key: "feed[0].tickSizes", value: "ABC" });
  });

  test("sinkUrlCarriesItsHeartbeat", () => {
    const { config } = load({
      flags: { sink: ["stdout://", "udp://127.0.0.1:26500?encoding=json&heartbeatMs=250"] },
    });
    expect(config.sink[1]).toEqual({
      url: "udp://127.0.0.1:26500?encoding=json",
      heartbeatMs: 250,
    });
  });
});

describe("mistakes", () => {
  test("fiveMistakesAreReportedAsFive", () => {
    const mistakes = mistakesOf({
      toml: [
        "[htp]",
        "[signal]",
        'emit = "always"',
        "ttlMS = 5",
        "[[feed]]",
        'lines = ["tcp://127.0.0.1:1"]',
        "[log]",
        'level = "info"',
      ].join("\n"),
      env: { HFTEDGE_MEMORY_LIMIT_MB: "lots" },
    });
    const file = `${directory}/hftedge.toml`;
    expect(mistakes.map(({ key, value, where }) => [key, value, where]).toSorted()).toEqual([
      ["feed[0].lines[0]", "tcp://127.0.0.1:1", `${file}:6`],
      ["htp", undefined, `${file}:1`],
      ["memory.limitMb", "lots", "HFTEDGE_MEMORY_LIMIT_MB"],
      ["signal.emit", "always", `${file}:3`],
      ["signal.ttlMS", 5, `${file}:4`],
    ]);
    expect(mistakes.find(({ key }) => key === "htp")?.remedy).toBe("Did you mean http?");
    expect(mistakes.find(({ key }) => key === "signal.ttlMS")?.remedy).toBe(
      "Did you mean signal.ttlMs?",
    );
    for (const { reason, remedy } of mistakes) {
      expect(reason).toMatch(/^(?:is|does) /);
      expect(remedy).toMatch(/[.?]$/);
    }
  });

  test("contradictionsAreReportedBesideBadValues", () => {
    const mistakes = mistakesOf({
      flags: {
        feed: ["udp://0.0.0.0:26500?name=a", "udp://127.0.0.1:2?name=b&format=fix"],
        sink: ["udp://127.0.0.1:26500"],
        "http.listen": "0.0.0.0:80",
        "thread.feedPriority": "50",
      },
    });
    expect(mistakes.map(({ key, where }) => [key, where]).toSorted()).toEqual([
      ["feed[1].format", "--feed"],
      ["http.listen", "--http-listen"],
      ["sink[0].url", "--sink"],
      ["thread.feedPriority", "--thread-feed-priority"],
    ]);
  });

  test("duplicateFeedNamesAndLinesAreRefused", () => {
    const toml = '[[feed]]\nname = "a"\n[[feed]]\nname = "a"\n';
    expect(mistakesOf({ toml }).map(({ key }) => key)).toEqual([
      "feed[1].name",
      "feed[1].lines[0]",
    ]);
  });

  test("linesThatCannotBothBeBoundAreRefused", () => {
    const [first, second] = ["udp://0.0.0.0:7000?name=a", "udp://127.0.0.1:7000?name=b"];
    expect(keysOf(first, second)).toEqual(["feed[1].lines[0]"]);
    expect(keysOf(`${first}&shareAddress=true`, `${second}&shareAddress=true`)).toEqual([]);
    expect(keysOf(first, "udp://239.0.0.1:7000?name=b", "udp://239.0.0.2:7000?name=c")).toEqual([]);
    expect(keysOf("udp://127.0.0.1:0?name=a", "udp://127.0.0.1:0?name=b")).toEqual([]);
  });

  test("retransmissionServerIsNoneOfTheFeedsLines", () => {
    const feed = "udp://10.0.0.1:26400?format=itch50&rerequest=udp://10.0.0.1";
    for (const own of [":26400", ":26400/", ":0"]) {
      expect(keysOf(`${feed}${own}`), own).toEqual(["feed[0].rerequest"]);
    }
    // Its text begins as the line's does, and is another address.
    expect(keysOf(`${feed}:2640`)).toEqual([]);
  });

  test("directoryInPlaceOfAFileIsRefused", () => {
    expect(() => load({ flags: { config: directory } })).toThrow(/cannot read .*: EISDIR/);
  });

  test("unknownVariableIsRefusedWithTheNearestName", () => {
    const [mistake] = mistakesOf({ env: { HFTEDGE_HTP_LISTEN: "x", HFTEDGE_TEST_SEED: "1" } });
    expect(mistake).toMatchObject({
      key: "HFTEDGE_HTP_LISTEN",
      remedy: "Did you mean HFTEDGE_HTTP_LISTEN?",
    });
  });

  test("misspeltChoiceNamesTheNearest", () => {
    const flags = { "log.level": "wran", "signal.emit": "sometimes" };
    expect(mistakesOf({ flags }).map(({ remedy }) => remedy)).toEqual([
      "Give change or state or every; the default is change.",
      "Did you mean warn?",
    ]);
  });

  test("unquotedDateIsRefusedClearly", () => {
    const [mistake] = mistakesOf({ toml: "[[feed]]\ndate = 2020-01-30\n" });
    expect(mistake).toMatchObject({
      key: "feed[0].date",
      reason: "is a date without quotes",
      remedy: 'Put it in quotes: "2020-01-30".',
    });
  });

  test("impossibleDateAndZoneAreRefused", () => {
    const toml = '[[feed]]\ndate = "2026-02-30"\ntimeZone = "Mars/Base"\n';
    expect(mistakesOf({ toml }).map(({ key }) => key)).toEqual([
      "feed[0].date",
      "feed[0].timeZone",
    ]);
  });

  test("secretIsNeverShown", () => {
    const [mistake] = mistakesOf({ env: { HFTEDGE_HTTP_TOKEN: "short" } });
    expect(mistake).toMatchObject({ key: "http.token", value: undefined });
  });

  test("syntaxMistakeNamesTheLine", () => {
    const toml = '[http]\nlisten = "127.0.0.1:1"\n\n[signal]\nttlMs = \nmaxAgeMs = 3\n';
    expect(() => load({ toml })).toThrow(/hftedge\.toml:5: not TOML/);
  });

  test("missingFileNamesTheRemedy", () => {
    const path = join(directory, "absent.toml");
    try {
      load({ flags: { config: path } });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(EdgeError);
      expect((error as EdgeError).code).toBe("CONFIG_UNREADABLE");
      expect((error as EdgeError).hint).toContain("hftedge config init");
    }
  });
});

function directoryAt(env: LoadInput["env"], userId: number, flags: LoadInput["flags"] = {}) {
  return loadConfig({ flags, env, directory, userId, systemFile: "/dev/null/none" }).dataDirectory;
}

describe("data directory", () => {
  test("configuredOverSystemdOverRootOverHome", () => {
    expect(directoryAt({ STATE_DIRECTORY: "/s" }, 0, { "data.directory": "/c" })).toBe("/c");
    expect(directoryAt({ STATE_DIRECTORY: "/s:/t" }, 0)).toBe("/s");
    expect(directoryAt({ HOME: "/root" }, 0)).toBe("/var/lib/hftedge");
    expect(directoryAt({ HOME: "/home/a" }, 1000)).toBe("/home/a/.local/state/hftedge");
    expect(directoryAt({ HOME: "/home/a", XDG_STATE_HOME: "/x" }, 1000)).toBe("/x/hftedge");
  });
});
