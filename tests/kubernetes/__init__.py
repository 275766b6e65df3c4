"""Tests of ``gregaria kubernetes``."""
