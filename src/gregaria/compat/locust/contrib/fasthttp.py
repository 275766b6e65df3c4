from gregaria.client.response import ErrorResponse as ErrorResponse
from gregaria.client.response import FastRequest as FastRequest
from gregaria.client.response import FastResponse as FastResponse
from gregaria.client.response import ResponseContextManager as ResponseContextManager
from gregaria.client.response import RestResponseContextManager as RestResponseContextManager
from gregaria.client.session import FAILURE_EXCEPTIONS as FAILURE_EXCEPTIONS
from gregaria.client.session import FastHttpSession as FastHttpSession
from gregaria.compat._explain import FastHttpLocust as FastHttpLocust
from gregaria.users.http import FastHttpUser as FastHttpUser

__all__ = [
    "FAILURE_EXCEPTIONS",
    "ErrorResponse",
    "FastHttpLocust",
    "FastHttpSession",
    "FastHttpUser",
    "FastRequest",
    "FastResponse",
    "ResponseContextManager",
    "RestResponseContextManager",
]
