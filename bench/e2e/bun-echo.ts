/** The Bun floor as a process of its own: a bare Bun.udpSocket that sends back what it gets. */
import { setSocketOption, SocketLevel, SocketOption } from "../../src/host/libc.ts";

const receiveBufferBytes = 32 * 1024 * 1024;

const socket = await Bun.udpSocket({
  hostname: "127.0.0.1",
  socket: {
    data(receiver, bytes, port, address) {
      receiver.send(bytes, port, address);
    },
    error() {},
  },
});
const { fd } = socket as unknown as { fd: number };
setSocketOption(fd, SocketLevel.socket, SocketOption.receiveBufferForce, receiveBufferBytes);
process.stdout.write(`${socket.port}\n`);
