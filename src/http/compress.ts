/** Replies in zstd or gzip where the client takes them. Streams are left alone. */
import type { MiddlewareHandler } from "hono";

/** Below this the header of a compressed form costs more than it saves. */
const bytesMin = 1024;
const compressible = /^(?:text\/(?!event-stream)|application\/(?:json|problem\+json|x-ndjson))/;

/** "gzip;q=0.5, zstd" → what is allowed and known, the best for us first. */
export function encodingOf(accept: string): "zstd" | "gzip" | undefined {
  const allowed = new Map<string, number>();
  for (const part of accept.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((word) => word.trim());
    const q = parameters.find((word) => word.startsWith("q="));
    allowed.set(name, q === undefined ? 1 : Number(q.slice(2)));
  }
  const takes = (name: string): boolean => (allowed.get(name) ?? allowed.get("*") ?? 0) > 0;
  if (takes("zstd")) return "zstd";
  return takes("gzip") ? "gzip" : undefined;
}

export const compress: MiddlewareHandler = async (c, next) => {
  await next();
  const { headers, body, status } = c.res;
  const type = headers.get("content-type") ?? "";
  const encoding = encodingOf(c.req.header("accept-encoding") ?? "");
  if (
    encoding === undefined ||
    body === null ||
    status === 304 ||
    headers.has("content-encoding") ||
    headers.get("content-disposition")?.startsWith("attachment") === true ||
    !compressible.test(type)
  ) {
    return;
  }
  const bytes = new Uint8Array(await c.res.arrayBuffer());
  const own = new Headers(headers);
  // A type that follows from the body alone would be lost with the body.
  own.set("content-type", type);
  own.append("vary", "Accept-Encoding");
  if (bytes.length < bytesMin) {
    c.res = new Response(bytes, { status, headers: own });
    return;
  }
  own.set("content-encoding", encoding);
  own.delete("content-length");
  const packed = encoding === "zstd" ? Bun.zstdCompressSync(bytes) : Bun.gzipSync(bytes);
  c.res = new Response(packed as Uint8Array<ArrayBuffer>, { status, headers: own });
};
