"""The pipeline that guides to this subject describe, as a baseline: asyncio, a queue of 10,000,
batches of 100 or 5 ms, grouped by symbol, 16 workers, two levels of LRU cache keyed by symbol,
price rounded to 0.01 and volume rounded to 100, and an instant answer in the model's place.

Ticks come in as JSON datagrams; for each one a signal goes out to the address given:
python3 guide-pipeline.py ANSWER_PORT. Prints its port.
"""

import asyncio
import json
import sys
from collections import OrderedDict, defaultdict

QUEUE = 10_000
BATCH = 100
BATCH_SECONDS = 0.005
WORKERS = 16


class LruCache:
    def __init__(self, size):
        self.size = size
        self.entries = OrderedDict()

    def get(self, key):
        value = self.entries.get(key)
        if value is not None:
            self.entries.move_to_end(key)
        return value

    def put(self, key, value):
        self.entries[key] = value
        self.entries.move_to_end(key)
        if len(self.entries) > self.size:
            self.entries.popitem(last=False)


class TwoLevelCache:
    def __init__(self):
        self.first = LruCache(1_000)
        self.second = LruCache(10_000)

    def get(self, key):
        value = self.first.get(key)
        if value is None:
            value = self.second.get(key)
            if value is not None:
                self.first.put(key, value)
        return value

    def put(self, key, value):
        self.first.put(key, value)
        self.second.put(key, value)


async def ask_model(tick):
    """An instant answer: what is measured is the pipeline, not the model."""
    return {"signal": "HOLD", "confidence": 0.5}


class Pipeline(asyncio.DatagramProtocol):
    def __init__(self, answer_port):
        self.ticks = asyncio.Queue(QUEUE)
        self.results = asyncio.Queue(QUEUE)
        self.slots = asyncio.Semaphore(WORKERS)
        self.cache = TwoLevelCache()
        self.answer = ("127.0.0.1", answer_port)
        self.dropped = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        try:
            self.ticks.put_nowait(json.loads(data))
        except asyncio.QueueFull:
            self.dropped += 1

    async def batches(self):
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self.ticks.get()]
            deadline = loop.time() + BATCH_SECONDS
            while len(batch) < BATCH:
                left = deadline - loop.time()
                if left <= 0:
                    break
                try:
                    batch.append(await asyncio.wait_for(self.ticks.get(), left))
                except asyncio.TimeoutError:
                    break
            by_symbol = defaultdict(list)
            for tick in batch:
                by_symbol[tick["symbol"]].append(tick)
            await asyncio.gather(*(self.work(ticks) for ticks in by_symbol.values()))

    async def work(self, ticks):
        async with self.slots:
            for tick in ticks:
                key = f"{tick['symbol']}_{round(tick['price'], 2)}_{round(tick['volume'] / 100) * 100}"
                result = self.cache.get(key)
                if result is None:
                    result = await ask_model(tick)
                    self.cache.put(key, result)
                await self.results.put({"id": tick["id"], "symbol": tick["symbol"], **result})

    async def send(self):
        while True:
            result = await self.results.get()
            self.transport.sendto(json.dumps(result).encode(), self.answer)


async def main():
    loop = asyncio.get_running_loop()
    transport, pipeline = await loop.create_datagram_endpoint(
        lambda: Pipeline(int(sys.argv[1])), local_addr=("127.0.0.1", 0)
    )
    sock = transport.get_extra_info("socket")
    sock.setsockopt(1, 33, 32 * 1024 * 1024)
    print(sock.getsockname()[1], flush=True)
    await asyncio.gather(pipeline.batches(), pipeline.send())


asyncio.run(main())
