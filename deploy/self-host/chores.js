// Open-source workerd has no clock that calls a worker. A POST to this one does what the clock would, once.

import auth from "./index.js";

export default {
  async fetch(request, env, context) {
    if (request.method !== "POST") return new Response("only POST\n", { status: 405, headers: { allow: "POST" } });
    await auth.scheduled({ cron: "* * * * *", scheduledTime: Date.now() }, env, context);
    return new Response("done\n");
  },
};
