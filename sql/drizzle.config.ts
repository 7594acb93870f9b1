/** `bunx drizzle-kit generate --config sql/drizzle.config.ts`, from the repository's root. */
import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  schema: "./src/store/schema.ts",
  out: "./sql/migration",
});
