/**
 * Reads JSON (RFC 8259) straight from bytes, one value after the other, without building strings or
 * objects. Every method moves `at` behind what it read and says whether that was well formed. What is
 * passed over is checked as well, so that a line counts as good only if `JSON.parse` would take it
 * (save that bytes above 0x7f in strings are not checked to be UTF-8).
 */
export class JsonScanner {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;

  /** The last string lies in `text` at [textAt, textAt + textLength), its escapes undone. */
  text: Buffer = this.bytes;
  textAt = 0;
  textLength = 0;

  /** The last number: its sign, its digits before and behind the point, and its exponent. */
  #negative = false;
  #wholeAt = 0;
  #whole = 0;
  #partAt = 0;
  #part = 0;
  #exponent = 0;
  /**
   * Its digits before the point and the first `#kept` behind it as one integer, as long as these are
   * no more than `fewDigits`.
   */
  #mantissa = 0;
  #kept = 0;

  readonly #unescaped = Buffer.alloc(maxUnescaped);

  open(bytes: Buffer, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** The byte at the next position that is no white space, -1 at the end. */
  peek(): number {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end) {
      const byte = bytes[at]!;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        this.at = at;
        return byte;
      }
      at++;
    }
    this.at = at;
    return -1;
  }

  string(): boolean {
    const { bytes, end } = this;
    if (this.at >= end || bytes[this.at] !== 0x22) return false;
    const from = this.at + 1;
    for (let at = from; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === 0x22) {
        this.text = bytes;
        this.textAt = from;
        this.textLength = at - from;
        this.at = at + 1;
        return true;
      }
      if (byte === 0x5c) return this.#escaped(from, at);
      if (byte < 0x20) return false;
    }
    return false;
  }

  /** The rest of a string from its first escape on. What does not fit `#unescaped` is cut off. */
  #escaped(from: number, firstEscape: number): boolean {
    const { bytes, end } = this;
    const out = this.#unescaped;
    let length = 0;
    for (let at = from; at < end; at++) {
      let byte = bytes[at]!;
      if (byte === 0x22 && at >= firstEscape) {
        this.text = out;
        this.textAt = 0;
        this.textLength = length;
        this.at = at + 1;
        return true;
      }
      if (byte < 0x20) return false;
      if (byte === 0x5c) {
        byte = ++at < end ? bytes[at]! : 0;
        if (byte === 0x75) {
          const unit = this.#hex(at + 1);
          if (unit < 0) return false;
          at += 4;
          // Nothing that is looked for has other characters than ASCII.
          byte = unit < 0x80 ? unit : 0xff;
        } else {
          byte = escapes[byte]!;
          if (byte === 0) return false;
        }
      }
      if (length < maxUnescaped) out[length++] = byte;
      else out[maxUnescaped - 1] = 0xff; // Cut off: it must not look like something it is not.
    }
    return false;
  }

  #hex(at: number): number {
    if (at + 4 > this.end) return -1;
    let unit = 0;
    for (let i = 0; i < 4; i++) {
      const digit = hexDigit(this.bytes[at + i]!);
      if (digit < 0) return -1;
      unit = unit * 16 + digit;
    }
    return unit;
  }

  number(): boolean {
    const { bytes, end } = this;
    let at = this.at;
    this.#negative = at < end && bytes[at] === 0x2d;
    if (this.#negative) at++;
    this.#wholeAt = at;
    let mantissa = 0;
    for (; at < end; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9) break;
      mantissa = mantissa * 10 + digit;
    }
    this.#whole = at - this.#wholeAt;
    if (this.#whole === 0 || (this.#whole > 1 && bytes[this.#wholeAt] === 0x30)) return false;
    this.#part = 0;
    this.#kept = 0;
    this.#exponent = 0;
    if (at < end && bytes[at] === 0x2e) {
      this.#partAt = ++at;
      const kept = Math.min(end, at + fewDigits - this.#whole);
      for (; at < kept; at++) {
        const digit = bytes[at]! - 0x30;
        if (digit < 0 || digit > 9) break;
        mantissa = mantissa * 10 + digit;
      }
      this.#kept = at - this.#partAt;
      while (at < end && isDigit(bytes[at]!)) at++;
      this.#part = at - this.#partAt;
      if (this.#part === 0) return false;
    }
    if (at < end && (bytes[at]! | 0x20) === 0x65) {
      at = this.#exponentAt(at + 1);
      if (at < 0) return false;
    }
    this.#mantissa = mantissa;
    this.at = at;
    return true;
  }

  #exponentAt(from: number): number {
    const { bytes, end } = this;
    let at = from;
    const sign = at < end ? bytes[at]! : 0;
    if (sign === 0x2d || sign === 0x2b) at++;
    const digitsAt = at;
    let exponent = 0;
    while (at < end && isDigit(bytes[at]!)) {
      if (exponent < maxExponent) exponent = exponent * 10 + bytes[at]! - 0x30;
      at++;
    }
    this.#exponent = sign === 0x2d ? -exponent : exponent;
    return at === digitsAt ? -1 : at;
  }

  /**
   * The last number times 10^decimals, exact, rounded half away from zero; NaN when that is not
   * within ±2^53.
   */
  scaled(decimals: number): number {
    if (this.#exponent === 0 && this.#whole + decimals < fewDigits) {
      const missing = decimals - this.#kept;
      let value = this.#mantissa;
      if (missing >= 0) {
        value *= powersOfTen[missing]!;
      } else {
        // Integers throughout: half away from zero, by the first digit that is left out.
        const divisor = powersOfTen[-missing]!;
        value = Math.floor(this.#mantissa / divisor);
        if (2 * (this.#mantissa - value * divisor) >= divisor) value++;
      }
      return this.#negative ? -value : value;
    }
    const digits = this.#whole + this.#exponent + decimals;
    let value = this.#digits(0, digits);
    if (digits >= 0 && this.#digit(digits) >= 5) value++;
    if (value > Number.MAX_SAFE_INTEGER) return Number.NaN;
    return this.#negative ? -value : value;
  }

  /** Whether the last number is below (-1), exactly (0) or above 0 (1), before any rounding. */
  sign(): number {
    if (this.#digits(0, this.#whole + this.#part) === 0) return 0;
    return this.#negative ? -1 : 1;
  }

  /** Digits [from, to) of the last number, the point left out, as an integer; zeros behind its end. */
  #digits(from: number, to: number): number {
    const { bytes } = this;
    const whole = this.#whole;
    let value = 0;
    let i = from;
    for (; i < to && i < whole; i++) value = value * 10 + (bytes[this.#wholeAt + i]! - 0x30);
    const known = Math.min(to, whole + this.#part);
    for (; i < known; i++) value = value * 10 + (bytes[this.#partAt + i - whole]! - 0x30);
    if (value === 0) return 0;
    for (; i < to && value <= Number.MAX_SAFE_INTEGER; i++) value *= 10;
    return value;
  }

  #digit(i: number): number {
    if (i < this.#whole) return this.bytes[this.#wholeAt + i]! - 0x30;
    if (i < this.#whole + this.#part) return this.bytes[this.#partAt + i - this.#whole]! - 0x30;
    return 0;
  }

  /**
   * The last number, in units of 10^-9 / 10^-decimals seconds, as ns since `baseSeconds`: exact even
   * for epoch ns, which no double holds. What is below a ns is cut off. NaN when it is negative or
   * further than 2^53 ns from the base.
   */
  nanoseconds(decimals: number, baseSeconds: number): number {
    if (this.#negative) return Number.NaN;
    const missing = decimals - this.#part;
    if (this.#exponent === 0 && missing >= 0 && this.#whole + this.#part <= fewDigits) {
      // Both terms are integers in the number's own last digit, and exact.
      const units = this.#mantissa - baseSeconds * powersOfTen[9 - missing]!;
      const ns = units * powersOfTen[missing]!;
      return ns <= maxSeconds * 1e9 && ns >= -maxSeconds * 1e9 ? ns : Number.NaN;
    }
    const digits = this.#whole + this.#exponent + decimals;
    const seconds = this.#digits(0, digits - 9) - baseSeconds;
    if (seconds > maxSeconds || seconds < -maxSeconds) return Number.NaN;
    return seconds * 1_000_000_000 + this.#digits(Math.max(0, digits - 9), digits);
  }

  /** Passes over any value. */
  value(depth: number): boolean {
    switch (this.peek()) {
      case 0x22:
        return this.string();
      case 0x7b:
        return this.#members(depth, 0x7d);
      case 0x5b:
        return this.#members(depth, 0x5d);
      case 0x74:
        return this.#word(wordTrue);
      case 0x66:
        return this.#word(wordFalse);
      case 0x6e:
        return this.null();
      default:
        return this.number();
    }
  }

  null(): boolean {
    return this.#word(wordNull);
  }

  #word(word: Uint8Array): boolean {
    if (this.at + word.length > this.end) return false;
    for (let i = 0; i < word.length; i++) if (this.bytes[this.at + i] !== word[i]) return false;
    this.at += word.length;
    return true;
  }

  /** An object or array that ends with `close`; `depth` says how many more may lie in each other. */
  #members(depth: number, close: number): boolean {
    if (depth === 0) return false;
    this.at++;
    if (this.peek() === close) {
      this.at++;
      return true;
    }
    for (;;) {
      if (close === 0x7d && !this.name()) return false;
      if (!this.value(depth - 1)) return false;
      const byte = this.peek();
      if (byte !== 0x2c && byte !== close) return false;
      this.at++;
      if (byte === close) return true;
    }
  }

  /** Passes over these very bytes, five to twelve of them, if they come next. */
  literal(expected: Buffer): boolean {
    const { bytes, at } = this;
    const last = expected.length - 4;
    if (at + expected.length > this.end) return false;
    const middle = last < 4 ? last : 4;
    if (
      bytes.readInt32LE(at) !== expected.readInt32LE(0) ||
      bytes.readInt32LE(at + middle) !== expected.readInt32LE(middle) ||
      bytes.readInt32LE(at + last) !== expected.readInt32LE(last)
    ) {
      return false;
    }
    this.at = at + expected.length;
    return true;
  }

  /** A member's name and the colon behind it. */
  name(): boolean {
    if (this.peek() !== 0x22 || !this.string() || this.peek() !== 0x3a) return false;
    this.at++;
    return true;
  }
}

/** Integers of so many digits are exact doubles. */
const fewDigits = 15;
const powersOfTen = Float64Array.from({ length: fewDigits + 1 }, (_, i) => 10 ** i);

/** The longest string with escapes that is kept; anything looked for is shorter. */
const maxUnescaped = 64;
/** Above it every exponent is as good as any other: no such number fits anything. */
const maxExponent = 100_000;
/** 2^53 ns, in seconds. */
const maxSeconds = 9_007_198;

const wordTrue = Uint8Array.from("true", (c) => c.charCodeAt(0));
const wordFalse = Uint8Array.from("false", (c) => c.charCodeAt(0));
const wordNull = Uint8Array.from("null", (c) => c.charCodeAt(0));

/** The byte that a one-character escape stands for, 0 where there is none. */
const escapes = new Uint8Array(256);
for (const [escape, meaning] of [
  ['"', 0x22],
  ["\\", 0x5c],
  ["/", 0x2f],
  ["b", 0x08],
  ["f", 0x0c],
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
] as const) {
  escapes[escape.charCodeAt(0)] = meaning;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
