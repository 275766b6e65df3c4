from gregaria.environment import Environment as Environment

__all__ = ["Environment"]
