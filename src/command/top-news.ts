/** Keeps what the stream told last, as the model that is drawn. */
import type { StreamEvent } from "./event-stream.ts";
import { emptyModel, type TopModel } from "./top-model.ts";

export class TopNews {
  #model: TopModel = emptyModel;

  /** True when there is something of each kind to show. */
  get complete(): boolean {
    return this.#model.readiness !== "unknown";
  }

  model(): TopModel {
    return this.#model;
  }

  /** Takes one event; one that is not understood changes nothing. */
  take({ data }: StreamEvent, nowMs: number): void {
    const news = JSON.parse(data) as Partial<TopModel>;
    this.#model = { ...this.#model, ...news, updatedMs: nowMs };
  }
}
