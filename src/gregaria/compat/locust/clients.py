import re

from gregaria.client.lazy_response import ResponseContextManager as ResponseContextManager
from gregaria.client.lazy_response import RestResponseContextManager as RestResponseContextManager
from gregaria.client.requests import HttpSession as HttpSession
from gregaria.client.requests import LocustHttpAdapter as LocustHttpAdapter

absolute_http_url_regexp = re.compile(r"https?://", re.IGNORECASE)

__all__ = [
    "HttpSession",
    "LocustHttpAdapter",
    "ResponseContextManager",
    "RestResponseContextManager",
    "absolute_http_url_regexp",
]
