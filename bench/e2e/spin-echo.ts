/** The polling floor as a process of its own: recvmmsg through bun:ffi, spinning, and echoes. */
import { echoSpinning, openSocket } from "./udp.ts";

const { fd, port } = openSocket();
process.stdout.write(`${port}\n`);
echoSpinning(fd, 32);
