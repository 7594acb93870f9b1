/** Mistakes that no option shows alone: two options that contradict each other. */
import {
  accepted,
  isLoopback,
  isMulticast,
  parseFeedLine,
  parseHostPort,
  parseServerUrl,
  parseSinkUrl,
} from "./address.ts";
import type { Config } from "./schema.ts";

export interface Contradiction {
  key: string;
  value: unknown;
  reason: string;
  remedy: string;
}

export function contradictions(config: Config): Contradiction[] {
  return [
    ...duplicateFeedNames(config),
    ...sharedLines(config),
    ...sinkLoops(config),
    ...duplicateSinks(config),
    ...openListener(config),
    ...priority(config),
    ...rerequestFormat(config),
    ...recoveryHold(config),
    ...receiveMix(config),
  ];
}

function duplicateFeedNames({ feed }: Config): Contradiction[] {
  return feed.flatMap(({ name }, index) => {
    const first = feed.findIndex((other) => other.name === name);
    if (first === index) return [];
    return [
      {
        key: `feed[${index}].name`,
        value: name,
        reason: `is the name of feed[${first}] too`,
        remedy: "Give each feed a name of its own.",
      },
    ];
  });
}

interface Bound {
  key: string;
  host: string;
  port: number;
  interface: string | null;
  shared: boolean;
}

function sharedLines({ feed }: Config): Contradiction[] {
  const found: Contradiction[] = [];
  const bound: Bound[] = [];
  feed.forEach(({ lines, shareAddress }, index) => {
    lines.forEach((line, number) => {
      const { host, port, interface: name } = accepted(parseFeedLine(line));
      const key = `feed[${index}].lines[${number}]`;
      const own: Bound = { key, host, port, interface: name, shared: shareAddress };
      const other = bound.find((candidate) => collide(candidate, own));
      if (other !== undefined) {
        found.push({
          key,
          value: line,
          reason: `is taken by ${other.key}`,
          remedy: "Give each line an address and port of its own.",
        });
      }
      bound.push(own);
    });
  });
  return found;
}

/** Two lines that would get each other's datagrams, or of which the second could not be bound. */
function collide(a: Bound, b: Bound): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  if (a.host === b.host) return a.interface === b.interface;
  const wildcard = isWildcard(a.host) || isWildcard(b.host);
  return wildcard && !(a.shared && b.shared) && !isMulticast(a.host) && !isMulticast(b.host);
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function sinkLoops({ feed, sink }: Config): Contradiction[] {
  const found: Contradiction[] = [];
  sink.forEach(({ url }, index) => {
    const target = accepted(parseSinkUrl(url));
    if (target.kind !== "udp") return;
    feed.forEach(({ lines }, feedIndex) => {
      lines.forEach((line, number) => {
        const { host, port } = accepted(parseFeedLine(line));
        const same = host === target.host || (isWildcard(host) && isLoopback(target.host));
        if (port !== target.port || !same) return;
        found.push({
          key: `sink[${index}].url`,
          value: url,
          reason: `is where feed[${feedIndex}].lines[${number}] listens: signals would come back as data`,
          remedy: "Send signals to another address or port.",
        });
      });
    });
  });
  return found;
}

function duplicateSinks({ sink }: Config): Contradiction[] {
  return sink.flatMap(({ url }, index) => {
    const first = sink.findIndex((other) => other.url === url);
    if (first === index) return [];
    return [
      {
        key: `sink[${index}].url`,
        value: url,
        reason: `is the address of sink[${first}] too`,
        remedy: "Name each sink once.",
      },
    ];
  });
}

function openListener({ http }: Config): Contradiction[] {
  const found: Contradiction[] = [];
  if (http.token !== "" && http.tokenFile !== "") {
    found.push({
      key: "http.tokenFile",
      value: http.tokenFile,
      reason: "is set beside http.token, and only one of them can hold the token",
      remedy: "Leave one of them out.",
    });
  }
  if (http.listen === "") return found;
  const { host } = accepted(parseHostPort(http.listen));
  if (!isLoopback(host) && http.token === "" && http.tokenFile === "") {
    found.push({
      key: "http.listen",
      value: http.listen,
      reason: "can be reached from other machines, and http.token is empty",
      remedy: "Set http.token or http.tokenFile, or listen on 127.0.0.1.",
    });
  }
  return found;
}

function priority({ thread }: Config): Contradiction[] {
  if (thread.feedPriority === 0 || thread.feedCpu >= 0) return [];
  return [
    {
      key: "thread.feedPriority",
      value: thread.feedPriority,
      reason: "gives a real-time priority to a thread that is pinned to no CPU",
      remedy: "Set thread.feedCpu as well.",
    },
  ];
}

function rerequestFormat({ feed }: Config): Contradiction[] {
  return feed.flatMap(({ format, rerequest, lines }, index) => {
    if (rerequest === "") return [];
    const server = accepted(parseServerUrl(rerequest));
    const base = { key: `feed[${index}].rerequest`, value: rerequest };
    if (format !== "itch50") {
      const reason = `is set for a feed of format ${format}, which has no requests over UDP`;
      return [{ ...base, reason, remedy: "Leave it out." }];
    }
    if (isMulticast(server.host)) {
      const reason = "is a multicast group, and a retransmission server has an address of its own";
      return [{ ...base, reason, remedy: "Name the server's unicast address." }];
    }
    const own = lines.map((line) => accepted(parseFeedLine(line)));
    if (own.some(({ host, port }) => host === server.host && port === server.port)) {
      const reason = "is one of the feed's own lines";
      return [{ ...base, reason, remedy: "Name the retransmission server." }];
    }
    return [];
  });
}

function recoveryHold({ feed }: Config): Contradiction[] {
  return feed.flatMap(({ format, rerequest, snapshot, holdUs }, index) => {
    const found: Contradiction[] = [];
    if (snapshot !== "" && format !== "itch50") {
      found.push({
        key: `feed[${index}].snapshot`,
        value: snapshot,
        reason: `is set for a feed of format ${format}, and GLIMPSE is ITCH`,
        remedy: "Leave it out.",
      });
    }
    if (holdUs === 0 && (rerequest !== "" || snapshot !== "")) {
      found.push({
        key: `feed[${index}].holdUs`,
        value: holdUs,
        reason: "gives every gap up at once, so that nothing could be asked for",
        remedy: "Set it to the microseconds that a reordered datagram may take.",
      });
    }
    return found;
  });
}

/** One thread reads all feeds: a spinning one would let those of the event loop wait. */
function receiveMix({ feed }: Config): Contradiction[] {
  const first = feed[0]?.receive;
  return feed.flatMap(({ receive }, index) => {
    if (receive === first) return [];
    return [
      {
        key: `feed[${index}].receive`,
        value: receive,
        reason: `differs from that of feed[0], which is "${first}", and one thread reads all feeds`,
        remedy: "Choose the same for every feed.",
      },
    ];
  });
}
