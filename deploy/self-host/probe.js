// Asks the gateway for its health on behalf of probes, which know neither a host of ours nor a client's address, and which it
// would refuse. It answers nothing else.

export default {
  fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    if (pathname !== "/health" || request.method !== "GET") return new Response("only GET /health\n", { status: 404 });
    const host = env.PUBLIC_HOSTS?.split(",")[0].trim() || (URL.parse(env.GATEWAY_URL)?.host ?? "localhost");
    return env.VERIFY.fetch(`https://${host}/health${search}`, {
      headers: { [env.CLIENT_IP_HEADER || "X-Real-IP"]: "127.0.0.1" },
    });
  },
};
