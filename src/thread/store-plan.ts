/** From [store] to what the history is opened with. */
import type { Config } from "../config/schema.ts";
import type { StoreOptions } from "../store/store.ts";

const hourS = 3600;
const mebibyte = 1024 ** 2;

export function storeOptionsFrom(config: Config["store"], path: string): StoreOptions {
  return {
    path,
    synchronous: config.synchronous,
    retention: {
      tierS: {
        1: config.keepSeconds * hourS,
        10: config.keepTenSeconds * hourS,
        60: config.keepMinutes * hourS,
        // A finer resolution may not outlive a coarser one.
        600:
          Math.min(config.keepHours, Math.max(config.keepMinutes, config.keepTenMinutes)) * hourS,
        3600: config.keepHours * hourS,
      },
      signalRows: config.signalRowsMax,
      recordRows: config.recordRowsMax,
      decisionRows: config.decisionRowsMax,
      sizeBytes: config.sizeMaxMb * mebibyte,
    },
    checkBytesMax: config.checkMaxMb * mebibyte,
    setAsideMax: config.damagedFilesMax,
    freeBytesMin: config.freeMinMb * mebibyte,
    ballastBytes: config.ballastMb * mebibyte,
    bufferSecondsMax: config.bufferSecondsMax,
  };
}
