from gregaria.users.sequential import SequentialTaskSet as SequentialTaskSet

__all__ = ["SequentialTaskSet"]
