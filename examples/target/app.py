"""The example target: three endpoints of a small FastAPI app.

Run it with ``uvicorn app:app --port 8000 --no-access-log`` in this folder.
"""

from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/")
async def hello() -> dict[str, str]:
    return {"Hello": "World"}


@app.post("/getInfo")
async def get_info(request: Request) -> dict[str, object]:
    """Answers with the JSON that was sent."""
    return {"status": "SUCCESS", "data": await request.json()}


@app.post("/fileSize")
async def file_size(request: Request) -> dict[str, int]:
    """Tells how many bytes the sent file has: the parts of a multipart form together, or else the body as it is."""
    body = await request.body()
    kind, _, boundary = request.headers.get("content-type", "").partition("boundary=")
    if not kind.startswith("multipart/form-data"):
        return {"size": len(body)}
    parts = body.split(b"--" + boundary.strip('"').encode())[1:-1]
    # a part ends with the line break that belongs to the next boundary
    return {"size": sum(len(part.partition(b"\r\n\r\n")[2]) - len(b"\r\n") for part in parts)}
