"""``/fileSize`` of the example target, which also notes what it was sent; ``GET /uploads`` tells all of it."""

import re

from fastapi import FastAPI, Request

from examples.target import app as example

app = FastAPI()
uploads: list[dict[str, object]] = []


@app.post("/fileSize")
async def file_size(request: Request) -> dict[str, int]:
    answer = await example.file_size(request)
    named = re.search(rb'filename="([^"]+)"', await request.body())
    uploads.append({"name": named and named[1].decode(), "worker": request.headers.get("x-worker"), **answer})
    return answer


@app.get("/uploads")
async def tell_uploads() -> list[dict[str, object]]:
    return uploads
