"""The pattern article's client of another protocol: PostgreSQL, each statement timed by hand."""

import os
import time

import psycopg2
from locust import User, between, events, task


class PostgresUser(User):
    wait_time = between(0.01, 0.05)
    abstract = True  # not a user by itself

    def on_start(self):
        self.conn = psycopg2.connect(host=os.environ["PGHOST"], dbname="testdb", user="tester", password="testpass")
        self.cursor = self.conn.cursor()

    def on_stop(self):
        self.conn.close()

    def query(self, sql, name=None):
        start = time.perf_counter()
        try:
            self.cursor.execute(sql)
            self.conn.commit()
            elapsed = (time.perf_counter() - start) * 1000
            events.request.fire(
                request_type="PSQL",
                name=name or sql[:50],
                response_time=elapsed,
                response_length=0,
                exception=None,
                context=self.context(),
            )
        except Exception as e:
            elapsed = (time.perf_counter() - start) * 1000
            events.request.fire(
                request_type="PSQL",
                name=name or sql[:50],
                response_time=elapsed,
                response_length=0,
                exception=e,
                context=self.context(),
            )
            raise


class DBLoadUser(PostgresUser):
    @task(3)
    def heavy_read(self):
        self.query(
            "SELECT * FROM orders WHERE status='pending' ORDER BY created_at LIMIT 100",
            name="pending-orders",
        )

    @task(1)
    def broken(self):
        try:
            self.query("SELECT * FROM nothing_of_that_name")
        finally:
            self.conn.rollback()
