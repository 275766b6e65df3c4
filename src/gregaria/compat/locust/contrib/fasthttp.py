import zlib

import gevent

from gregaria.client.pool import LocustUserAgent as LocustUserAgent
from gregaria.client.pool import insecure_ssl_context_factory as insecure_ssl_context_factory
from gregaria.client.response import ErrorResponse as ErrorResponse
from gregaria.client.response import FastRequest as FastRequest
from gregaria.client.response import FastResponse as FastResponse
from gregaria.client.response import LocustBadStatusCode as LocustBadStatusCode
from gregaria.client.response import ResponseContextManager as ResponseContextManager
from gregaria.client.session import FastHttpSession as FastHttpSession
from gregaria.compat._explain import FastHttpLocust as FastHttpLocust
from gregaria.users.http import FastHttpUser as FastHttpUser

#: what a request can fail with; the client reports these, it does not raise them
FAILURE_EXCEPTIONS = (OSError, gevent.Timeout, zlib.error)

#: what the with-block of ``rest`` gives; any block's response can hold the parsed body
RestResponseContextManager = ResponseContextManager

__all__ = [
    "FAILURE_EXCEPTIONS",
    "ErrorResponse",
    "FastHttpLocust",
    "FastHttpSession",
    "FastHttpUser",
    "FastRequest",
    "FastResponse",
    "LocustBadStatusCode",
    "LocustUserAgent",
    "ResponseContextManager",
    "RestResponseContextManager",
    "insecure_ssl_context_factory",
]
