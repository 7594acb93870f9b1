/**
 * A tiny model of random weights in the GGUF format (version 3): one llama layer, a vocabulary of
 * bytes and the three labels. It knows nothing, but it loads, and it answers with probabilities.
 *
 * Layout: "GGUF", u32 version, u64 tensors, u64 pairs; each pair: string key, u32 type, value; each
 * tensor: string name, u32 dimensions, u64 sizes, u32 type (0 = f32), u64 offset; then the tensors'
 * data, each aligned to 32 bytes. Strings are u64 length and UTF-8; everything little-endian.
 */
import { random } from "./random.ts";

const Type = { u32: 4, i32: 5, f32: 6, string: 8, array: 9 } as const;
const alignment = 32;
const embedding = 64;
const heads = 4;
const feedForward = 128;
const context = 2048;

/** unknown, begin, end, the 256 bytes, then words with their leading space (U+2581). */
const TokenKind = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;
const specials = ["<unk>", "<s>", "</s>"];
const bytes = Array.from({ length: 256 }, (_, i) => `<0x${hex(i)}>`);
const words = ["\u2581BUY", "\u2581SELL", "\u2581HOLD", "\u2581", "BUY", "SELL", "HOLD"];
const tokens = [...specials, ...bytes, ...words];
const kinds = [
  TokenKind.unknown,
  TokenKind.control,
  TokenKind.control,
  ...bytes.map(() => TokenKind.byte),
  ...words.map(() => TokenKind.normal),
];

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, "0");
}

class Writer {
  readonly #parts: Uint8Array[] = [];
  length = 0;

  bytes(part: Uint8Array): this {
    this.#parts.push(part);
    this.length += part.byteLength;
    return this;
  }

  u32(value: number): this {
    return this.bytes(new Uint8Array(Uint32Array.of(value).buffer));
  }

  u64(value: number): this {
    return this.u32(value).u32(0);
  }

  f32(value: number): this {
    return this.bytes(new Uint8Array(Float32Array.of(value).buffer));
  }

  string(text: string): this {
    const encoded = new TextEncoder().encode(text);
    return this.u64(encoded.byteLength).bytes(encoded);
  }

  align(): this {
    return this.bytes(new Uint8Array((alignment - (this.length % alignment)) % alignment));
  }

  concatenate(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(Buffer.concat(this.#parts));
  }
}

type Pair = [key: string, write: (writer: Writer) => void];

const u32 = (key: string, value: number): Pair => [key, (w) => w.u32(Type.u32).u32(value)];
const f32 = (key: string, value: number): Pair => [key, (w) => w.u32(Type.f32).f32(value)];
const text = (key: string, value: string): Pair => [key, (w) => w.u32(Type.string).string(value)];

function list<T>(key: string, type: number, values: T[], write: (w: Writer, v: T) => void): Pair {
  return [
    key,
    (w) => {
      w.u32(Type.array).u32(type).u64(values.length);
      for (const value of values) write(w, value);
    },
  ];
}

const pairs: Pair[] = [
  text("general.architecture", "llama"),
  text("general.name", "tiny random"),
  u32("general.alignment", alignment),
  u32("llama.context_length", context),
  u32("llama.embedding_length", embedding),
  u32("llama.block_count", 1),
  u32("llama.feed_forward_length", feedForward),
  u32("llama.attention.head_count", heads),
  u32("llama.attention.head_count_kv", heads),
  u32("llama.rope.dimension_count", embedding / heads),
  f32("llama.attention.layer_norm_rms_epsilon", 1e-5),
  u32("llama.vocab_size", tokens.length),
  text("tokenizer.ggml.model", "llama"),
  list("tokenizer.ggml.tokens", Type.string, tokens, (w, token) => w.string(token)),
  list("tokenizer.ggml.scores", Type.f32, tokens, (w, token) => w.f32(words.indexOf(token))),
  list("tokenizer.ggml.token_type", Type.i32, kinds, (w, kind) => w.u32(kind)),
  u32("tokenizer.ggml.unknown_token_id", 0),
  u32("tokenizer.ggml.bos_token_id", 1),
  u32("tokenizer.ggml.eos_token_id", 2),
];

const layer = "blk.0";
const tensors: [name: string, sizes: number[]][] = [
  ["token_embd.weight", [embedding, tokens.length]],
  ["output_norm.weight", [embedding]],
  ["output.weight", [embedding, tokens.length]],
  [`${layer}.attn_norm.weight`, [embedding]],
  [`${layer}.attn_q.weight`, [embedding, embedding]],
  [`${layer}.attn_k.weight`, [embedding, embedding]],
  [`${layer}.attn_v.weight`, [embedding, embedding]],
  [`${layer}.attn_output.weight`, [embedding, embedding]],
  [`${layer}.ffn_norm.weight`, [embedding]],
  [`${layer}.ffn_gate.weight`, [embedding, feedForward]],
  [`${layer}.ffn_up.weight`, [embedding, feedForward]],
  [`${layer}.ffn_down.weight`, [feedForward, embedding]],
];

/** The file's bytes, the same for the same seed; about 300 KiB. */
export function tinyGguf(seed = 1): Uint8Array<ArrayBuffer> {
  const uniform = random(seed);
  const data = tensors.map(([name, sizes]) => {
    const values = new Float32Array(sizes.reduce((a, b) => a * b));
    const isNorm = name.endsWith("norm.weight");
    for (let i = 0; i < values.length; i++) values[i] = isNorm ? 1 : (uniform.next() - 0.5) * 0.5;
    // The labels are likely, so that a decision can be read now and then.
    if (name === "output.weight") {
      for (const word of words.slice(0, 3)) {
        const row = tokens.indexOf(word) * embedding;
        for (let i = row; i < row + embedding; i++) values[i]! *= 4;
      }
    }
    return new Uint8Array(values.buffer);
  });
  const writer = new Writer().bytes(new TextEncoder().encode("GGUF")).u32(3);
  writer.u64(tensors.length).u64(pairs.length);
  for (const [key, write] of pairs) {
    writer.string(key);
    write(writer);
  }
  let offset = 0;
  for (const [i, [name, sizes]] of tensors.entries()) {
    writer.string(name).u32(sizes.length);
    for (const size of sizes) writer.u64(size);
    writer.u32(0).u64(offset);
    offset += Math.ceil(data[i]!.byteLength / alignment) * alignment;
  }
  for (const part of data) writer.align().bytes(part);
  return writer.align().concatenate();
}

/** Gives a real server the tiny model under a name. */
export async function createTinyModel(url: string, name: string): Promise<void> {
  const file = tinyGguf();
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(file).digest("hex")}`;
  const stored = await fetch(`${url}/api/blobs/${digest}`, { method: "POST", body: file });
  if (!stored.ok) throw new Error(`the blob was refused: ${stored.status} ${await stored.text()}`);
  const body = JSON.stringify({ model: name, files: { "tiny.gguf": digest }, stream: false });
  const created = await fetch(`${url}/api/create`, { method: "POST", body });
  const answer = await created.text();
  if (!created.ok || answer.includes('"error"')) throw new Error(`not created: ${answer}`);
}

export async function deleteModel(url: string, name: string): Promise<void> {
  await fetch(`${url}/api/delete`, { method: "DELETE", body: JSON.stringify({ model: name }) });
}
