/** Every code that an error may carry, and what it means: the documentation lists them. */
export const problemCodes = {
  BODY_TOO_LARGE: "The request has a larger body than http.bodyLimitBytes; no resource takes one.",
  EXPORTS_FULL: "As many exports as may are under way.",
  HOST_REFUSED:
    "The Host header names neither the listening address nor localhost nor one of http.allowedHosts.",
  INTERNAL: "A mistake of the program; its log has the trace.",
  NO_RESOURCE: "Nothing is at this path.",
  NO_SYMBOL: "No feed has shown this symbol yet.",
  ORIGIN_REFUSED:
    "A page of another site asked; this service is for its own pages and for programs.",
  PARAMETER: "A query parameter is unknown or cannot be; `errors` names it.",
  QUERIES_FULL: "As many questions to the history wait as http.queriesMax allows.",
  QUERY_RANGE: "The range is empty or has no end.",
  QUERY_STAGE: "There is no stage of this name.",
  RATE_LIMIT: "More requests a second from one address than http.ratePerSecond.",
  READ_ONLY: "The API only reads: GET and HEAD.",
  REQUEST: "The request cannot be understood.",
  STORE_MISSING: "There is no history to read at the moment; /readyz says why.",
  SUBSCRIBERS_FULL: "As many event streams are open as http.subscribersMax allows.",
  TOKEN: "The token is missing or wrong.",
  TOO_MANY_POINTS:
    "More points were asked for than http.pointsMax; `hint` names a step that fits the range.",
} as const;
export type ProblemCode = keyof typeof problemCodes;
