import { z } from "zod";

/** [data]: where the state that outlives a run is kept. */
export const dataSection = z.strictObject({
  directory: z
    .string()
    .max(4096)
    .default("")
    .describe("Directory of the database, the held symbols and the control socket.")
    .meta({
      defaultText: "$STATE_DIRECTORY, else /var/lib/hftedge as root, else ~/.local/state/hftedge",
    }),
});
