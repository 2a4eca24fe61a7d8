// The one answer and the one log line that are not the module's: it is not there to make them.

/** Refuses a request. */
export function refuse(request_id) {
  const text = { title: "Something went wrong", detail: "The request was not let through. Try again." };
  const problem = { type: "urn:authflow:problem:internal_error", ...text, status: 500, code: "internal_error", request_id };
  const headers = { "content-type": "application/problem+json", "cache-control": "no-store", "x-request-id": request_id };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** Logs what happened to `service`, and gives the id under which it is logged. */
export function tell(service, error) {
  const [ts, request_id] = [new Date().toISOString(), crypto.randomUUID()];
  console.error(JSON.stringify({ ts, level: "error", msg: "trap", service, request_id, detail: String(error) }));
  return request_id;
}
