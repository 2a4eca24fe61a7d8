"""An application behind the gateway: who asks, what only some may do, server-sent events and a WebSocket."""

import asyncio

from fastapi import Depends, FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from authflow import CurrentUser, current_user, has_role

# A connection that stays open is checked when it opens. It ends after so many seconds, and the client comes back through
# the gateway, which knows whether the session has ended meanwhile.
LIFETIME = 300

# Every path below asks who it is, whether its function wants to know or not. FastAPI's own pages (/docs) would not.
app = FastAPI(dependencies=[Depends(current_user)], openapi_url=None)


@app.get("/")
@app.get("/api/me")
def me(user: CurrentUser):
    return {"user": user.id, "email": user.email, "role": user.role}


@app.get("/api/admin", dependencies=[has_role("admin")])
def admin(user: CurrentUser):
    return {"secret": f"only admins read this, {user.email} among them"}


@app.get("/events")
def events(user: CurrentUser):
    async def tick():
        for second in range(LIFETIME):
            yield f"id: {second}\ndata: {second} s, {user.email}\n\n"
            await asyncio.sleep(1)

    return StreamingResponse(tick(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@app.websocket("/ws")
async def echo(socket: WebSocket, user: CurrentUser):
    await socket.accept()
    try:
        async with asyncio.timeout(LIFETIME):
            async for text in socket.iter_text():
                await socket.send_text(f"{user.email}: {text}")
    except TimeoutError:
        await socket.close(1012, "open it again")
    except WebSocketDisconnect:
        pass
