/**
 * The UDP socket of one line of a feed: bound, joined on the named interface, with a large receive
 * buffer that is read back. What goes wrong at the start is one EdgeError; later errors are counted
 * by the caller.
 */
import { networkInterfaces } from "node:os";
import { EdgeError } from "../error.ts";
import { getSocketOption, setSocketOption, SocketLevel, SocketOption } from "../host/libc.ts";

export interface FeedSocketOptions {
  host: string;
  port: number;
  /** Name or IPv4 address; null for the system's choice. */
  interface: string | null;
  /** The only sender to accept (source-specific multicast). */
  source: string | null;
  receiveBufferBytes: number;
  /** µs; 0 for off. */
  busyPollUs: number;
  /** Let other processes bind the same address; multicast always does. */
  shareAddress: boolean;
  onDatagram: (bytes: Buffer, port: number, address: string, truncated: boolean) => void;
  onError: (error: Error) => void;
}

export interface FeedSocket {
  fd: number;
  port: number;
  /** What the kernel granted, as it counts it (twice what may be asked for); -1 when unreadable. */
  receiveBufferBytes: number;
  /** Words for the operator, each with its remedy. */
  warnings: string[];
  send(bytes: Uint8Array, port: number, address: string): boolean;
  close(): void;
}

const reuseAddress = 16;
/** The kernel doubles what is asked for, to account for its own bookkeeping. */
const kernelShare = 2;

export async function openFeedSocket(options: FeedSocketOptions): Promise<FeedSocket> {
  const { host, port } = options;
  const multicast = isMulticastAddress(host);
  const local = options.interface === null ? null : interfaceAddress(options.interface);
  const shared = multicast || options.shareAddress;
  const socket = await bind(options, shared);
  const warnings: string[] = [];
  const fd = (socket as unknown as { fd: number }).fd;
  if (multicast) join(socket, options, local);
  const receiveBufferBytes = enlarge(fd, options, warnings);
  if (options.busyPollUs > 0) {
    const refused = setSocketOption(
      fd,
      SocketLevel.socket,
      SocketOption.busyPoll,
      options.busyPollUs,
    );
    if (refused !== 0) {
      warnings.push(
        `busy polling of ${options.busyPollUs} us was refused on ${host}:${port}: run as root or set feed.busyPollUs = 0`,
      );
    }
  }
  return {
    fd,
    port: socket.port,
    receiveBufferBytes,
    warnings,
    send: (bytes, toPort, address) => sendTwice(socket, bytes, toPort, address),
    close: () => socket.close(),
  };
}

/** A pending ICMP error makes one healthy send throw, so a throwing send is tried once more. */
function sendTwice(
  socket: Bun.udp.Socket<"buffer">,
  bytes: Uint8Array,
  port: number,
  address: string,
): boolean {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return socket.send(bytes, port, address);
    } catch {
      // Counted by the caller through the result.
    }
  }
  return false;
}

async function bind(
  options: FeedSocketOptions,
  shared: boolean,
): Promise<Bun.udp.Socket<"buffer">> {
  const { host, port, onDatagram, onError } = options;
  const settings = {
    hostname: host,
    port,
    ...(shared ? { flags: reuseAddress } : {}),
    socket: {
      data: (
        _socket: unknown,
        bytes: Buffer,
        fromPort: number,
        address: string,
        flags?: { truncated?: boolean },
      ) => onDatagram(bytes, fromPort, address, flags?.truncated === true),
      error: (...reported: unknown[]) => {
        const error = reported.find((value) => value instanceof Error);
        onError(error instanceof Error ? error : new Error(String(reported[0])));
      },
    },
  };
  try {
    return await Bun.udpSocket(settings as unknown as Bun.udp.SocketOptions<"buffer">);
  } catch (error) {
    throw bindError(error, host, port);
  }
}

function bindError(error: unknown, host: string, port: number): EdgeError {
  const code = (error as { code?: unknown }).code;
  const at = `udp://${host}:${port}`;
  if (code === "EADDRINUSE") {
    return new EdgeError(
      "PORT_IN_USE",
      `feed address ${at} is in use by another process`,
      `See who has it with: ss -ulpn 'sport = :${port}'. Stop it, choose another port, or set feed.shareAddress = true in both.`,
      error,
    );
  }
  if (code === "EADDRNOTAVAIL") {
    return new EdgeError(
      "ADDRESS_NOT_HERE",
      `feed address ${at} is not an address of this machine`,
      "Choose one that `ip address` shows, or 0.0.0.0 for all.",
      error,
    );
  }
  if (code === "EACCES") {
    return new EdgeError(
      "PORT_REFUSED",
      `feed address ${at} was refused`,
      "Ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher one.",
      error,
    );
  }
  return new EdgeError(
    "FEED_SOCKET",
    `feed address ${at} cannot be opened: ${error instanceof Error ? error.message : String(error)}`,
    "Check feed.lines in the configuration.",
    error,
  );
}

function join(
  socket: Bun.udp.Socket<"buffer">,
  options: FeedSocketOptions,
  local: string | null,
): void {
  const { host, source } = options;
  const on = local ?? undefined;
  try {
    const joined =
      source === null
        ? socket.addMembership(host, on)
        : socket.addSourceSpecificMembership(source, host, on);
    if (joined) return;
  } catch (error) {
    socket.close();
    throw joinError(options, error);
  }
  socket.close();
  throw joinError(options, undefined);
}

function joinError(options: FeedSocketOptions, cause: unknown): EdgeError {
  const code = (cause as { code?: unknown } | undefined)?.code;
  const where = options.interface === null ? "the default interface" : options.interface;
  const hint =
    code === "ENOBUFS"
      ? "The kernel allows only so many groups: sudo sysctl net.ipv4.igmp_max_memberships=256"
      : "Name the interface with ?interface=NAME, and check that it is up and has a multicast route.";
  return new EdgeError(
    "MULTICAST_JOIN",
    `cannot join ${options.host} on ${where}${code === undefined ? "" : ` (${String(code)})`}`,
    hint,
    cause,
  );
}

/** The interface's first IPv4 address: joining by name alone would join on the default one. */
export function interfaceAddress(name: string): string {
  const interfaces = networkInterfaces();
  const found = interfaces[name]?.find(({ family }) => family === "IPv4");
  if (found !== undefined) return found.address;
  if (Object.values(interfaces).some((list) => list?.some(({ address }) => address === name))) {
    return name;
  }
  const known = Object.keys(interfaces).join(", ");
  if (interfaces[name] !== undefined) {
    throw new EdgeError(
      "INTERFACE_WITHOUT_ADDRESS",
      `interface ${name} has no IPv4 address`,
      `Give it one (ip address add …/24 dev ${name}) or choose another of: ${known}.`,
    );
  }
  throw new EdgeError(
    "INTERFACE_UNKNOWN",
    `interface ${name} does not exist`,
    `Choose one of: ${known}.`,
  );
}

function enlarge(fd: number, options: FeedSocketOptions, warnings: string[]): number {
  const wanted = options.receiveBufferBytes;
  const { socket } = SocketLevel;
  if (setSocketOption(fd, socket, SocketOption.receiveBufferForce, wanted) !== 0) {
    setSocketOption(fd, socket, SocketOption.receiveBuffer, wanted);
  }
  const granted = getSocketOption(fd, socket, SocketOption.receiveBuffer);
  if (granted >= 0 && granted < wanted * kernelShare) {
    warnings.push(
      `receive buffer of ${options.host}:${options.port} is ${Math.floor(granted / kernelShare)} bytes, not ${wanted}: ` +
        `bursts will be dropped by the kernel; run as root, or sudo sysctl net.core.rmem_max=${wanted}`,
    );
  }
  return granted;
}

function isMulticastAddress(host: string): boolean {
  const first = Number(/^(\d{1,3})\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.exec(host)?.[1] ?? 0);
  return (first >= 224 && first <= 239) || /^ff[0-9a-f]{2}:/i.test(host);
}
