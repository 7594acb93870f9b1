/** The native floor as a process of its own: prints its port and echoes. */
import { echoBlocking, openSocket } from "./udp.ts";

const { fd, port } = openSocket();
process.stdout.write(`${port}\n`);
echoBlocking(fd, 64);
