/** What flags of several commands may say: text in, value out, a reason when bad. */
import { InvalidArgumentError } from "commander";

/** A parser of whole numbers in decimal digits, both bounds included. */
export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };
}

/** The address of a service over HTTP, as "http://HOST:PORT" without anything behind it. */
export function serviceUrl(text: string): string {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError("Give http://HOST:PORT or HOST:PORT.");
  }
  return url.origin;
}
