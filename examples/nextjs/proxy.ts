// Before anything is rendered or served: who comes past the gateway is refused. No `matcher`, so no path is forgotten.

import { type NextRequest, NextResponse } from "next/server";

import { HEADER, verify } from "@/lib/authflow";

export async function proxy(request: NextRequest) {
  try {
    await verify(request.headers.get(HEADER));
    return NextResponse.next();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return new NextResponse(`no valid assertion: ${reason}\n`, { status: 401, headers: { "cache-control": "no-store" } });
  }
}
