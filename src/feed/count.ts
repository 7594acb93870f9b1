/**
 * The counters of one feed, as one table. A decoder counts into a `Uint32Array` that its caller
 * hands in (for instance a row of shared memory that another thread reads), so each counter wraps at
 * 2^32 and a reader takes differences.
 */
const table = [
  ["datagrams", "Datagrams received."],
  ["bytes", "Bytes received in datagrams, without IP and UDP headers."],
  ["messages", "Messages handed to the market, administrative ones included."],
  ["heartbeats", "Datagrams that carry no message and only say which sequence comes next."],
  ["duplicates", "Datagrams of which every message was known already."],
  ["overlaps", "Datagrams of which only the leading messages were known already."],
  ["gaps", "Times that the sequence jumped ahead, seen by a message or by a heartbeat."],
  ["lostMessages", "Messages that gaps passed over and that were not recovered."],
  ["requests", "Retransmission requests."],
  ["reorderFull", "Datagrams that came before their turn and found no room to wait."],
  ["restarts", "Times that a channel's sequence went back to 1."],
  ["sessionChanges", "Times that a channel's session changed."],
  ["endsOfSession", "End-of-session datagrams."],
  ["unsequenced", "Datagrams outside the sequence."],
  ["unknownTypes", "Messages of a type that the format does not have; passed over."],
  ["unfollowed", "Messages of instruments that this feed does not follow."],
  ["unmapped", "Messages of a stock locate that no message has given a symbol yet."],
  ["tradeBreaks", "Trades that the exchange took back; their flow is not undone."],
  ["trailingBytes", "Datagrams with bytes behind their last message; the messages were applied."],
  ["badTruncated", "Datagrams shorter than their header or their messages say."],
  ["badLength", "Messages whose length does not fit their type."],
  ["badVersion", "Datagrams of another protocol or version."],
  ["badSequence", "Datagrams whose sequence or count cannot be."],
  ["badChannel", "Datagrams of one channel more than the table of channels holds."],
  ["badValue", "Messages with a field that cannot be (side, size, price, time of day)."],
  ["badTime", "Messages whose time cannot be, or is more than 104 days from the feed's date."],
  ["badJson", "Lines that are not one JSON object."],
  ["badField", "Lines without a field that they must have, or with one of another type."],
  [
    "sharedInstruments",
    "Instruments of which two units of a feed tell, against its rules; they are held as partial.",
  ],
  ["badSymbol", "Messages whose symbol is empty, too long or not printable ASCII."],
] as const;

export type FeedCountName = (typeof table)[number][0];

/** name → index into the counters. */
export const FeedCount = Object.fromEntries(table.map(([name], id) => [name, id])) as Readonly<
  Record<FeedCountName, number>
>;

/** The same table in order, for metrics and documentation. */
export const feedCounts: readonly { id: number; name: FeedCountName; help: string }[] = table.map(
  ([name, help], id) => ({ id, name, help }),
);

/** How many u32 the counters of one feed take. */
export const feedCountSize = table.length;
