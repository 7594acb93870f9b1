/** The API's token, from the configuration or from its file. */
import { readFileSync } from "node:fs";
import type { HttpConfig } from "../config/section/http.ts";
import { EdgeError } from "../error.ts";

/** "" where none is configured. Throws EdgeError TOKEN_FILE. */
export function tokenOf({ token, tokenFile }: Pick<HttpConfig, "token" | "tokenFile">): string {
  return tokenFile === "" ? token : readTokenFile(tokenFile);
}

/** Throws EdgeError TOKEN_FILE for a file that cannot be read or that holds no token. */
export function readTokenFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new EdgeError(
      "TOKEN_FILE",
      `the token file ${path} cannot be read: ${(error as Error).message}`,
      "Make the file readable for this user.",
      error,
    );
  }
  if (/^[\x21-\x7e]{16,256}$/.test(text)) return text;
  throw new EdgeError(
    "TOKEN_FILE",
    `the token file ${path} holds no token`,
    "It is one line of 16 to 256 printable characters without spaces.",
  );
}
