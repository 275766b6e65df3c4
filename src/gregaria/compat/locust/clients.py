from gregaria.client.requests import HttpSession as HttpSession
from gregaria.client.requests import LocustHttpAdapter as LocustHttpAdapter
from gregaria.client.requests import ResponseContextManager as ResponseContextManager
from gregaria.client.requests import RestResponseContextManager as RestResponseContextManager

__all__ = ["HttpSession", "LocustHttpAdapter", "ResponseContextManager", "RestResponseContextManager"]
