/** Datagrams handed to the kernel many at a time (UDP_SEGMENT), so that sending is not the limit. */
import { type Endpoint, ptr, segmentSends } from "./udp.ts";
import type { Workload } from "./workload.ts";

const datagramBytesMax = 2048;

export class Batch {
  readonly #endpoint: Endpoint;
  readonly #workload: Workload;
  readonly #bytes: Buffer;
  readonly #pointer: ReturnType<typeof ptr>;
  /** Called while the kernel has no room. */
  readonly #wait: () => void;
  /** Of the datagrams that are gathered: one length to a send. */
  #length = 0;
  #gathered = 0;

  /** At most `datagramsMax` are gathered between two calls of `flush`. */
  constructor(endpoint: Endpoint, workload: Workload, datagramsMax: number, wait: () => void) {
    this.#endpoint = endpoint;
    this.#workload = workload;
    this.#bytes = Buffer.from(new ArrayBuffer(datagramsMax * datagramBytesMax));
    this.#pointer = ptr(this.#bytes);
    this.#wait = wait;
  }

  /** Makes datagram `number`; those before it leave first when it has another length. */
  add(number: number): void {
    const workload = this.#workload;
    workload.make(number);
    const { bytes, length } = workload;
    if (length !== this.#length) {
      this.flush();
      this.#length = length;
      segmentSends(this.#endpoint.fd, length);
    }
    bytes.copy(this.#bytes, this.#gathered++ * length, 0, length);
  }

  flush(): void {
    if (this.#gathered === 0) return;
    const bytes = this.#gathered * this.#length;
    this.#gathered = 0;
    while (!this.#endpoint.send(this.#pointer, bytes)) this.#wait();
  }
}
