/** Every fault that is tried, in the order of the table. */
import { clockFaults } from "./catalogue/clock.ts";
import { diskFaults } from "./catalogue/disk.ts";
import { floodFaults } from "./catalogue/flood.ts";
import { httpFaults } from "./catalogue/http.ts";
import { limitFaults } from "./catalogue/limit.ts";
import { modelFaults } from "./catalogue/model.ts";
import { networkFaults } from "./catalogue/network.ts";
import { processFaults } from "./catalogue/process.ts";
import type { Fault } from "./fault.ts";

export const faults: readonly Fault[] = [
  ...processFaults,
  ...floodFaults,
  ...networkFaults,
  ...modelFaults,
  ...diskFaults,
  ...limitFaults,
  ...clockFaults,
  ...httpFaults,
];
