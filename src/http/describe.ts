/** A route's entry in the OpenAPI document, with the errors that every route can answer. */
import { describeRoute, resolver } from "hono-openapi";
import { problemSchema } from "./schema.ts";

type Spec = Parameters<typeof describeRoute>[0];

const content = { "application/problem+json": { schema: resolver(problemSchema) } };
const errors: NonNullable<Spec["responses"]> = {
  401: { description: "A token is needed, or wrong.", content },
  403: { description: "Asked by a page of another site.", content },
  421: { description: "The Host is not this service.", content },
  429: { description: "Too many requests.", content },
};
const badRequest = { description: "A parameter cannot be.", content };
const missing = { description: "There is no such thing.", content };
const unavailable = { description: "Not available at the moment.", content };

export interface Described extends Spec {
  /** Which of the errors beside the common ones it has. */
  may?: readonly (400 | 404 | 503)[];
}

export function describe({ may = [], ...spec }: Described) {
  return describeRoute({
    ...spec,
    responses: {
      ...spec.responses,
      ...errors,
      ...(may.includes(400) ? { 400: badRequest } : {}),
      ...(may.includes(404) ? { 404: missing } : {}),
      ...(may.includes(503) ? { 503: unavailable } : {}),
    },
  });
}
