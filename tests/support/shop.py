"""A small web shop: what the articles' locustfiles talk to, with a login that is really checked."""

import asyncio
import itertools
from collections import Counter
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException, Request

EMAIL, PASSWORD, TOKEN = "buyer@shop.example", "secret", "token-of-the-buyer"
KNOWN_USERS = range(1000, 1010)

app = FastAPI()
served: Counter[str] = Counter()
cart_ids = itertools.count(1)
carts: dict[int, list[dict]] = {}


@app.middleware("http")
async def count(request: Request, call_next):
    if request.url.path != "/served":
        served[f"{request.method} {request.url.path}"] += 1
    return await call_next(request)


@app.get("/served")
async def tell_served() -> dict[str, int]:
    return dict(served)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "up"}


@app.get("/slow")
async def slow() -> dict[str, str]:
    await asyncio.sleep(1.1)
    return {"status": "up"}


@app.post("/auth/login")
async def login(credentials: dict[str, str]) -> dict[str, str]:
    if (credentials.get("email"), credentials.get("password")) != (EMAIL, PASSWORD):
        raise HTTPException(401, "wrong email or password")
    return {"access_token": TOKEN}


def must_be_logged_in(authorization: str | None) -> None:
    if authorization != f"Bearer {TOKEN}":
        raise HTTPException(401, "log in first")


@app.get("/listings")
async def listings(page: int, limit: int, authorization: Annotated[str | None, Header()] = None) -> list[int]:
    must_be_logged_in(authorization)
    return list(range((page - 1) * limit, page * limit))


@app.get("/listings/{listing}")
async def listing(listing: int, authorization: Annotated[str | None, Header()] = None) -> dict[str, int]:
    must_be_logged_in(authorization)
    return {"id": listing}


@app.get("/search")
async def search(q: str, city: str = "") -> dict[str, str]:
    return {"q": q, "city": city}


@app.get("/users/{user}")
async def user(user: int) -> dict[str, int]:
    if user not in KNOWN_USERS:
        raise HTTPException(404, "no such user")
    return {"id": user}


@app.post("/cart/items")
async def add_to_cart(item: dict[str, int]) -> dict[str, int]:
    cart_id = next(cart_ids)
    carts[cart_id] = [item]
    return {"cart_id": cart_id}


def cart_of(cart_id: int) -> list[dict]:
    if cart_id not in carts:
        raise HTTPException(404, "no such cart")
    return carts[cart_id]


@app.get("/cart/{cart_id}")
async def view_cart(cart_id: int) -> list[dict]:
    return cart_of(cart_id)


@app.post("/cart/{cart_id}/coupon")
async def apply_coupon(cart_id: int, coupon: dict[str, str]) -> dict[str, str]:
    cart_of(cart_id)
    return coupon


@app.post("/cart/{cart_id}/checkout")
async def checkout(cart_id: int, payment: dict[str, str]) -> dict[str, str]:
    cart_of(cart_id)
    del carts[cart_id]
    return payment
