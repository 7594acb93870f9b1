/** The migrations as text, so that they travel inside the compiled binary. Only ever append. */
import history from "../../sql/migration/0000_history.sql" with { type: "text" };
import tenMinutes from "../../sql/migration/0001_ten_minutes.sql" with { type: "text" };

/** `migrations[n]` takes a file from `user_version` n to n + 1. */
export const migrations: readonly string[] = [history, tenMinutes];
