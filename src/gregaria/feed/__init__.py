"""Test data: rows from files, iterables and functions, for the users of a whole test.

In a locustfile ``from gregaria import feed``; these are the names it uses.
"""

from gregaria.feed.feed import CheckOut as CheckOut
from gregaria.feed.feed import Feed as Feed
from gregaria.feed.feed import csv as csv
from gregaria.feed.feed import function as function
from gregaria.feed.feed import json_lines as json_lines
from gregaria.feed.feed import parquet as parquet
from gregaria.feed.feed import rows as rows
from gregaria.feed.feed import sqlite as sqlite
