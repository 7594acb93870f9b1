/**
 * One look at the machine, in a thread of its own: it reads files and asks tools one after the
 * other, which takes a tenth of a second and more, and the supervisor must not stand still for it.
 */
import { driftLine } from "../tune/hold.ts";

declare const self: Worker;

self.postMessage(driftLine());
